"""Makes the data sets: ``python -m bench.data_sets SCALE NAME...``; present ones stay."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from bench.indexes import write_apt_pair, write_yum_pair
from bench.masters import write_history, write_master
from bench.measure import MIB
from bench.real_debs import UnavailableError, fetch_pairs
from bench.scale import FULL, QUICK, Scale, data_set
from demo.packages import (
    Recipe,
    build_debs,
    build_rpms,
    index_apt_repo,
    index_yum_repo,
)

SUITE = "stable"
_PROGRAM = Path(sys.executable).with_name("fuel-upgrade")
_SCALES = {scale.name: scale for scale in (FULL, QUICK)}
_FIELDS = {"Origin": "Bench", "Label": "Bench", "Suite": SUITE, "Codename": SUITE}


def main() -> None:
    """Make the named data sets, or all of them."""
    scale = _SCALES[sys.argv[1]]
    for name in sys.argv[2:] or MAKERS:
        make(scale, name)


def make(scale: Scale, name: str) -> Path:
    """Make one data set, unless it is there; it appears when it is complete."""
    folder = data_set(scale, name)
    if not folder.exists():
        print(f"making the data set {scale.name}/{name}", flush=True)
        begun = folder.with_name(f"{name}.begun")
        if begun.exists():
            shutil.rmtree(begun)
        begun.mkdir(parents=True)
        MAKERS[name](begun, scale)
        begun.rename(folder)
    return folder


def _debs(folder: Path, scale: Scale) -> None:
    """Write an apt repo ``base``, the repo ``current``, and its changed packages alone."""
    sides = {side: folder / side / "pool/main" for side in ("base", "current", "changed")}
    for pool in sides.values():
        pool.mkdir(parents=True)
    if why := _fetch_debs(sides["base"], sides["current"], scale):
        (folder / "NOTE").write_text(f"made-up packages: {why}\n")
        _made_up_debs(sides["base"], sides["current"], scale)
    known = {path.name: path.stat().st_size for path in sides["base"].iterdir()}
    for path in sides["current"].iterdir():
        if path.name not in known or not path.samefile(sides["base"] / path.name):
            (sides["changed"] / path.name).hardlink_to(path)
    for side in sides:
        index_apt_repo(folder / side, _FIELDS)


def _fetch_debs(base: Path, current: Path, scale: Scale) -> str:
    """Fetch real packages; return the reason if there are none."""
    if not scale.real_packages:
        return "a quick run fetches none"
    try:
        fetch_pairs(base, current, scale)
    except UnavailableError as error:
        return str(error)
    return ""


def _few_debs(folder: Path, scale: Scale) -> None:
    """Every eighth package of ``debs``."""
    whole = make(scale, "debs")
    names = {path.name.partition("_")[0] for path in (whole / "base/pool/main").iterdir()}
    chosen = frozenset(sorted(names)[::8])
    for side in ("base", "current", "changed"):
        pool = folder / side / "pool/main"
        pool.mkdir(parents=True)
        for path in (whole / side / "pool/main").iterdir():
            if path.name.partition("_")[0] in chosen:
                (pool / path.name).hardlink_to(path)
        index_apt_repo(folder / side, _FIELDS)


def _made_up_debs(base: Path, current: Path, scale: Scale) -> None:
    sides = {base: "old", current: "new"}
    for pool, word in sides.items():
        build_debs(
            [
                Recipe(f"p{n:03}", f"1.{word == 'new':d}-1", _filling(f"{word} {n}"))
                for n in range(scale.changed_packages)
            ],
            pool,
        )
    same = range(scale.changed_packages, scale.packages)
    for path in build_debs([Recipe(f"p{n:03}", "1.0-1", _filling(str(n))) for n in same], base):
        (current / path.name).hardlink_to(path)


def _filling(seed: str) -> str:
    return random.Random(seed).randbytes(100 << 10).hex()


def _rpms(folder: Path, scale: Scale) -> None:
    """Write two yum repos; three tenths of the packages differ."""
    changed = scale.rpms * 3 // 10
    for side in ("base", "current"):
        recipes = [
            Recipe(
                f"p{n:03}",
                "1.0-2" if n < changed and side == "current" else "1.0-1",
                _filling(f"{side} {n}" if n < changed else str(n)),
            )
            for n in range(scale.rpms)
        ]
        build_rpms(recipes, folder / side / "Packages")
        index_yum_repo(folder / side)


def _tree(folder: Path, count: int) -> None:
    """Write the puppet modules of a release: small files, and a link for every hundredth one."""
    draw = random.Random(7)
    for number in range(count):
        parent = folder / f"modules/mod{number % 100:02}/manifests/d{number % 7}"
        parent.mkdir(parents=True, exist_ok=True)
        line = f'class c{number} {{ notice("{draw.randbytes(40).hex()}") }}\n'
        (parent / f"file_{number}.pp").write_text(line * draw.randint(5, 40))
        if number % 100 == 0:
            (parent / f"link_{number}").symlink_to(f"file_{number}.pp")
    (folder / "manifests").mkdir()
    (folder / "manifests/site.pp").write_text("node default { }\n")


def _mix(folder: Path, scale: Scale) -> None:
    """The changed packages, and a tree of small files."""
    _tree(folder / "puppet", scale.files)
    debs = make(scale, "debs") / "changed"
    _bundle(folder, {"2014.2-6.0": {"puppet": "puppet", "repos": {"ubuntu": {"full": str(debs)}}}})


def _small(folder: Path, _scale: Scale) -> None:
    """Ten packages of 1 MB."""
    _tree(folder / "puppet", 10)
    _bundle_of_one(folder, packages=10)


def _random_debs(repo: Path, count: int) -> None:
    recipes = [
        Recipe(f"r{n}", "1.0-1", random.Random(n).randbytes(MIB // 2).hex()) for n in range(count)
    ]
    build_debs(recipes, repo / "pool/main")
    index_apt_repo(repo, _FIELDS)


def _many(folder: Path, scale: Scale) -> None:
    """Very many small files."""
    _tree(folder / "puppet", scale.many_files)
    _bundle_of_one(folder, packages=1)


def _big(folder: Path, scale: Scale) -> None:
    """One large file that no compression shortens."""
    _tree(folder / "puppet", 1)
    image = folder / "puppet/modules/mod00/image"
    draw = random.Random(1)
    with image.open("wb") as file:
        for _ in range(scale.big_bytes // (16 * MIB)):
            file.write(draw.randbytes(16 * MIB))
    _bundle_of_one(folder, packages=1)


def _apt_indexes(folder: Path, scale: Scale, *, changed: float) -> None:
    """Two repos of indexes only, and the diff of them."""
    write_apt_pair(folder, scale.index_packages, changed=changed)
    diff = ("repo", "diff", folder / "base", folder / "current", "--indexes-only")
    _run(_PROGRAM, *diff, "-o", folder / "diff")


def _releases(folder: Path, scale: Scale) -> None:
    """A tarball with many releases, each with a repo of its own."""
    parts = {}
    for number in range(scale.releases):
        _random_debs(folder / f"repo{number}", 2)
        _tree(folder / f"puppet{number}", 50)
        parts[f"2014.2-6.0.{number}"] = {
            "puppet": f"puppet{number}",
            "repos": {"ubuntu": {"full": f"repo{number}"}},
        }
    _bundle(folder, parts)


def _history(folder: Path, scale: Scale, installs: int) -> None:
    write_history(folder / "root", make(scale, "small") / "tarball.tar.zst", installs)


def _bundle_of_one(folder: Path, *, packages: int) -> None:
    """Build a tarball of one release, with packages of 1 MB."""
    _random_debs(folder / "repo", packages)
    _bundle(folder, {"2014.2-6.0": {"puppet": "puppet", "repos": {"ubuntu": {"full": "repo"}}}})


def _bundle(folder: Path, parts: Mapping[str, Mapping[str, object]]) -> None:
    """Write ``bundle.yaml`` and build its tarball ``tarball.tar.zst``."""
    releases = []
    for version, part in parts.items():
        _write_yaml(folder / f"openstack-{version}.yaml", [_fixture(version)])
        releases.append(
            {
                "openstack_yaml": f"openstack-{version}.yaml",
                "version_yaml": "version.yaml",
                **part,
            }
        )
    _write_yaml(folder / "version.yaml", {"VERSION": {"release": "6.0"}})
    spec = {"version_yaml": "version.yaml", "upgrade_from": ["5.0"], "releases": releases}
    _write_yaml(folder / "bundle.yaml", spec)
    out = folder / "tarball.tar.zst"
    _run(_PROGRAM, "bundle", "build", folder / "bundle.yaml", "-o", out)
    _run("zstd", "-q", "-d", out)


def _run(*argv: str | Path) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def _fixture(version: str) -> dict[str, object]:
    fields = {
        "name": f"Juno {version}",
        "version": version,
        "operating_system": "Ubuntu",
        "description": "A release.",
        "state": "available",
        "roles": ["controller"],
        "networks_metadata": {"nova_network": {"networks": [{"name": "public"}]}},
    }
    return {"pk": 1, "model": "nailgun.release", "fields": fields}


def _write_yaml(path: Path, data: object) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


MAKERS: Mapping[str, Callable[[Path, Scale], None]] = {
    "debs": _debs,
    "few-debs": _few_debs,
    "rpms": _rpms,
    "mix": _mix,
    "small": _small,
    "many": _many,
    "big": _big,
    "near": lambda folder, scale: _apt_indexes(folder, scale, changed=0.02),
    "far": lambda folder, scale: _apt_indexes(folder, scale, changed=0.9),
    "primaries": lambda folder, scale: write_yum_pair(folder, scale.listed_rpms, changed=0.1),
    "releases": _releases,
    "master": lambda folder, scale: write_master(folder, scale.registered),
    "history": lambda folder, scale: _history(folder, scale, scale.installs),
    "history-small": lambda folder, scale: _history(folder, scale, 20),
    "master-small": lambda folder, _scale: write_master(folder, 5),
}


if __name__ == "__main__":
    os.umask(0o022)
    main()
