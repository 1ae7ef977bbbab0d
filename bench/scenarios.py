"""All measured tasks, each with its references."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from bench.masters import copy_history, running, write_root
from bench.measure import Comparison, Scenario, Usage, Way, command, shell
from bench.scale import Scale, data_set

_HERE = Path(__file__).parent
_PYTHON = Path(sys.executable)
_PROGRAM = _PYTHON.with_name("fuel-upgrade")
_APT_PYTHON = "/usr/bin/python3"  # the one of the system, which has apt's own library
_PACKAGES = "dists/stable/main/binary-amd64/Packages"
_PRIMARY = "repodata/primary.xml.gz"


def scenarios(scale: Scale, names: tuple[str, ...]) -> Iterator[Scenario]:
    """Make the data sets of each scenario, and give it; all of the scale if none is named.

    Undo comes last: it deletes files, which delays their creation on some file systems.
    """
    for name, make in SCENARIOS.items():
        if name in names or (not names and (scale.real_packages or name in QUICK_NAMES)):
            scenario = make(scale)
            yield scenario if scale.real_packages else scenario.without_goals()


def _ready(scale: Scale, name: str) -> Path:
    """Return a data set; a process of its own makes it, so that this one stays small."""
    folder = data_set(scale, name)
    if not folder.exists():
        argv: list[str | Path] = [_PYTHON, "-m", "bench.data_sets", scale.name, name]
        subprocess.run(argv, check=True, cwd=_HERE.parent)
    return folder


def _ours(*words: str | Path) -> Way:
    return command(_PROGRAM, *words)


def _after(
    prepare: Callable[[Path], object], *words: str | Path, undoes: Path | None = None
) -> Way:
    """Return the way that runs a command on a master that ``prepare`` writes.

    With ``undoes`` this tarball is installed before.
    """

    def way(out: Path) -> Usage:
        root = out / "root"
        prepare(root)
        with running(root) as master:
            if undoes:
                master.command("install", undoes)
                os.sync()
            return master.command(*words)

    return way


def _fresh_master(*words: str | Path) -> Way:
    return _after(write_root, *words)


def _copy_of(folder: Path) -> Callable[[Path], object]:
    return lambda root: shutil.copytree(folder, root, symlinks=True)


def _install(name: str, title: str, goal: float | None) -> Callable[[Scale], Scenario]:
    def make(scale: Scale) -> Scenario:
        folder = _ready(scale, name)
        tarball = folder / "tarball.tar.zst"
        ways = {
            "install": _fresh_master("install", tarball),
            "zstd | tar, sync": shell(f"zstd -dc {tarball} | tar x -C {{out}}; sync -f {{out}}"),
            "openssl sha256": shell(f"openssl dgst -sha256 {folder / 'tarball.tar'}"),
            "original's way": command(_PYTHON, _HERE / "original.py", "install", tarball, "{out}"),
        }
        comparisons = (
            Comparison("install", "zstd | tar, sync", goal=goal, limit=10),
            Comparison("install", "openssl sha256"),
            Comparison("install", "original's way", goal=0.5),
        )
        return Scenario(f"install-{name}", title, ways, comparisons, {})

    return make


def _build(scale: Scale) -> Scenario:
    folder, debs = _ready(scale, "mix"), _ready(scale, "debs") / "changed"
    tar = f"tar c -C {debs} pool -C {folder / 'puppet'} modules manifests"
    ways = {
        "bundle build": _ours("bundle", "build", folder / "bundle.yaml", "-o", "{out}/x.tar.zst"),
        "tar | zstd -3 -T0": shell(f"{tar} | zstd -q -3 -T0 -o {{out}}/x.tar.zst; sync -f {{out}}"),
        "openssl sha256": shell(f"openssl dgst -sha256 {folder / 'tarball.tar'}"),
    }
    skipped = _add(ways, "rauc bundle", ("rauc", "mksquashfs"), _rauc(folder / "tarball.tar"))
    comparisons = (
        Comparison("bundle build", "tar | zstd -3 -T0", goal=1.5, limit=15),
        Comparison("bundle build", "openssl sha256"),
        Comparison("bundle build", "rauc bundle"),
    )
    return Scenario("build", "Build the tarball", ways, comparisons, skipped)


def _rauc(image: Path) -> Way:
    manifest = (
        "[update]\ncompatible=bench\nversion=1\n[bundle]\nformat=plain\n"
        "[image.rootfs]\nfilename=image.img\n"
    )

    def way(out: Path) -> Usage:
        (out / "input").mkdir()
        (out / "input/image.img").hardlink_to(image)
        (out / "input/manifest.raucm").write_text(manifest)
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bench"]
        files: list[str | Path] = [
            "-keyout",
            out / "key.pem",
            "-out",
            out / "cert.pem",
            "-days",
            "30",
        ]
        subprocess.run([*request, *files], check=True, capture_output=True)
        key = (f"--cert={out}/cert.pem", f"--key={out}/key.pem")
        return command("rauc", *key, "bundle", "{out}/input", "{out}/x.raucb")(out)

    return way


def _inspect(scale: Scale) -> Scenario:
    tarball = _ready(scale, "mix") / "tarball.tar.zst"
    ways = {
        "bundle inspect": _ours("bundle", "inspect", tarball),
        "zstd | tar t": shell(f"zstd -dc {tarball} | tar t"),
        "python -c pass": command(_PYTHON, "-c", "pass"),
    }
    comparisons = (Comparison("bundle inspect", "zstd | tar t"),)
    return Scenario("inspect", "List the content of the tarball", ways, comparisons, {})


def _diff_debs(scale: Scale) -> Scenario:
    folder = _ready(scale, "debs")
    base, current, changed = folder / "base", folder / "current", folder / "changed/pool"
    diff = ("repo", "diff", base, current, "-o", "{out}/diff")
    ways = {
        "repo diff": _ours(*diff),
        "repo diff --verify": _ours(*diff, "--verify"),
        "repo diff --copy": _ours(*diff, "--copy"),
        "openssl sha256": shell(f"openssl dgst -sha256 {changed}/main/*.deb"),
        "cp -al": command("cp", "-al", changed, "{out}/pool"),
    }
    original = command(_PYTHON, _HERE / "original.py", "apt", base, current, "{out}")
    skipped = _add(ways, "original's way", ("dpkg-scanpackages", "apt-ftparchive"), original)
    comparisons = (
        Comparison("repo diff", "original's way", goal=0.033, limit=2),
        Comparison("repo diff --verify", "openssl sha256", goal=1.15),
        Comparison("repo diff --copy", "original's way", limit=2),
        Comparison("repo diff", "cp -al"),
    )
    note = folder / "NOTE"
    kind = note.read_text().strip() if note.exists() else "real packages"
    title = f"Diff of {scale.packages} packages, {scale.changed_packages} changed ({kind})"
    return Scenario("diff-debs", title, ways, comparisons, skipped)


def _diff_tools(scale: Scale) -> Scenario:
    """The tools that take a minute for all packages: the same task with an eighth of them."""
    folder = _ready(scale, "few-debs")
    base, current, changed = folder / "base", folder / "current", folder / "changed/pool"
    ways = {"repo diff --copy": _ours("repo", "diff", base, current, "-o", "{out}/diff", "--copy")}
    skipped = _add(ways, "aptly", ("aptly",), _aptly(base, current, changed))
    skipped |= _add(ways, "reprepro", ("reprepro",), _reprepro(changed))
    comparisons = (
        Comparison("repo diff --copy", "aptly"),
        Comparison("repo diff --copy", "reprepro"),
    )
    title = "Diff of an eighth of these packages, with other tools"
    return Scenario("diff-tools", title, ways, comparisons, skipped)


def _aptly(base: Path, current: Path, changed: Path) -> Way:
    """The steps by which aptly gives a repo of the changed packages, after its imports."""
    run = "aptly -config={out}/aptly.conf"
    imports = "".join(
        f"{run} repo create -distribution={name} {name}\n{run} repo add {name} {pool}\n"
        for name, pool in (("base", base), ("current", current))
    )
    return shell(
        f'echo \'{{"rootDir": "{{out}}/aptly"}}\' >{{out}}/aptly.conf\n{imports}'
        f"{run} snapshot create base from repo base\n"
        f"{run} snapshot create current from repo current\n"
        f"{run} snapshot diff base current\n"
        f"{run} repo create -distribution=diff diff\n{run} repo add diff {changed}\n"
        f"{run} publish repo -skip-signing -architectures=amd64 diff\n"
    )


def _reprepro(changed: Path) -> Way:
    fields = "Codename: stable\\nArchitectures: amd64\\nComponents: main\\n"
    return shell(
        f"mkdir {{out}}/conf; printf '{fields}' >{{out}}/conf/distributions\n"
        f"reprepro -b {{out}} -P optional -S misc includedeb stable {changed}/main/*.deb"
    )


def _diff_rpms(scale: Scale) -> Scenario:
    folder = _ready(scale, "rpms")
    base, current = folder / "base", folder / "current"
    ways = {
        "repo diff": _ours("repo", "diff", base, current, "-o", "{out}/diff"),
        "original's way": command(_PYTHON, _HERE / "original.py", "yum", base, current, "{out}"),
        "createrepo_c": command("createrepo_c", "-q", "-o", "{out}", current),
    }
    comparisons = (
        Comparison("repo diff", "original's way"),
        Comparison("repo diff", "createrepo_c"),
    )
    title = f"Diff of {scale.rpms} rpms, of which {scale.rpms * 3 // 10} changed"
    return Scenario("diff-rpms", title, ways, comparisons, {})


def _indexes(name: str, title: str, goal: float) -> Callable[[Scale], Scenario]:
    def make(scale: Scale) -> Scenario:
        folder = _ready(scale, name)
        sides = folder / "base", folder / "current"
        files = [side / _PACKAGES for side in sides]
        diff = ("repo", "diff", *sides, "--indexes-only", "-o", "{out}/diff")
        ways = {
            "repo diff": _ours(*diff),
            "repo report": _ours("repo", "report", *sides, "-o", "{out}/report"),
            "repo prove": _ours("repo", "prove", sides[0], folder / "diff", sides[1]),
            "read both": command(_PYTHON, _HERE / "readers.py", "read", *files),
        }
        apt = command(_APT_PYTHON, _HERE / "readers.py", "apt", *files)
        skipped = _add_apt(ways, apt)
        comparisons = (
            Comparison("repo diff", "read both", goal=goal),
            Comparison("repo diff", "apt_pkg", limit=40),
            Comparison("repo report", "apt_pkg"),
            Comparison("repo prove", "apt_pkg"),
        )
        text = f"{title} of {scale.index_packages} packages"
        return Scenario(f"indexes-{name}", text, ways, comparisons, skipped)

    return make


def _yum_indexes(scale: Scale) -> Scenario:
    folder = _ready(scale, "primaries")
    sides = folder / "base", folder / "current"
    files = [side / _PRIMARY for side in sides]
    ways = {
        "repo diff": _ours("repo", "diff", *sides, "--indexes-only", "-o", "{out}/diff"),
        "createrepo_c's parser": command(_PYTHON, _HERE / "readers.py", "yum", *files),
    }
    comparisons = (Comparison("repo diff", "createrepo_c's parser", goal=2, limit=15),)
    title = f"Indexes of {scale.listed_rpms} rpms, a tenth of them changed"
    return Scenario("indexes-yum", title, ways, comparisons, {})


def _releases(scale: Scale) -> Scenario:
    folder = _ready(scale, "releases")
    tarball = folder / "tarball.tar.zst"
    ways = {
        "install": _fresh_master("install", tarball),
        "plan": _fresh_master("plan", tarball),
        "zstd | tar, sync": shell(f"zstd -dc {tarball} | tar x -C {{out}}; sync -f {{out}}"),
    }
    comparisons = (
        Comparison("install", "zstd | tar, sync"),
        Comparison("plan", "zstd | tar, sync"),
    )
    title = f"A tarball of {scale.releases} releases"
    return Scenario("releases", title, ways, comparisons, {})


def _registered(scale: Scale) -> Scenario:
    many, few = (_copy_of(_ready(scale, name)) for name in ("master", "master-small"))
    ways: dict[str, Way] = {}
    for words in ("releases", "gc", "status"):
        ways[f"{words}, {scale.registered}"] = _after(many, words)
        ways[f"{words}, 5"] = _after(few, words)
    comparisons = tuple(
        Comparison(f"{words}, {scale.registered}", f"{words}, 5", limit=20)
        for words in ("releases", "gc", "status")
    )
    title = f"A master with {scale.registered} releases, and one with 5"
    return Scenario("registered", title, ways, comparisons, {})


def _history(scale: Scale) -> Scenario:
    sizes = {scale.installs: "history", 20: "history-small"}
    ways: dict[str, Way] = {}
    for words in ("status", "history", "gc"):
        for installs, name in sizes.items():
            folder = _ready(scale, name) / "root"
            ways[f"{words}, {installs}"] = _after(partial(copy_history, folder), words)
    comparisons = tuple(
        Comparison(f"{words}, {scale.installs}", f"{words}, 20")
        for words in ("status", "history", "gc")
    )
    title = f"A history of {scale.installs} installs, and one of 20"
    return Scenario("history", title, ways, comparisons, {})


def _start(_scale: Scale) -> Scenario:
    ways = {
        "--version": _ours("--version"),
        "repo diff --help": _ours("repo", "diff", "--help"),
        "status": _fresh_master("status"),
        "python -c pass": command(_PYTHON, "-c", "pass"),
    }
    comparisons = tuple(
        Comparison(name, "python -c pass") for name in ("--version", "repo diff --help", "status")
    )
    return Scenario("start", "Start of the commands", ways, comparisons, {})


def _undo(scale: Scale) -> Scenario:
    large, small = (_ready(scale, name) / "tarball.tar.zst" for name in ("mix", "small"))
    ways = {
        "rollback, mix": _after(write_root, "rollback", undoes=large),
        "rollback, 10 MB": _after(write_root, "rollback", undoes=small),
    }
    comparisons = (Comparison("rollback, mix", "rollback, 10 MB", goal=1.5, limit=10),)
    return Scenario("undo", "Undo of an install", ways, comparisons, {})


def _add(ways: dict[str, Way], name: str, programs: tuple[str, ...], way: Way) -> dict[str, str]:
    """Add a way; return the reason where a program of it is missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        return {name: f"there is no {', '.join(missing)} here"}
    ways[name] = way
    return {}


def _add_apt(ways: dict[str, Way], way: Way) -> dict[str, str]:
    done = subprocess.run([_APT_PYTHON, "-c", "import apt_pkg"], capture_output=True, check=False)
    if done.returncode:
        return {"apt_pkg": f"{_APT_PYTHON} has no python3-apt"}
    ways["apt_pkg"] = way
    return {}


SCENARIOS: Mapping[str, Callable[[Scale], Scenario]] = {
    "start": _start,
    "install-mix": _install("mix", "Install packages and a tree of small files", 1.3),
    "install-many": _install("many", "Install very many small files", None),
    "install-big": _install("big", "Install one large file", None),
    "build": _build,
    "inspect": _inspect,
    "diff-debs": _diff_debs,
    "diff-tools": _diff_tools,
    "diff-rpms": _diff_rpms,
    "indexes-near": _indexes("near", "Indexes, 2 % changed,", 6),
    "indexes-far": _indexes("far", "Indexes, 90 % changed,", 20),
    "indexes-yum": _yum_indexes,
    "releases": _releases,
    "registered": _registered,
    "history": _history,
    "undo": _undo,
}
QUICK_NAMES = ("install-mix", "build", "diff-debs", "indexes-near", "indexes-yum", "undo")
