"""The files of a node that was moved from base to base + diff are those of a node of current."""

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from demo.nodes import DnfNode
from demo.packages import index_apt_repo, index_yum_repo
from demo.web import served
from fuel_upgrade.cli.main import main
from fuel_upgrade.errors import OutsideError
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.system import process
from fuel_upgrade.system.files import remove_tree
from tests.payloads import Entry, Payload, build_deb, build_rpm, repack
from tests.tools import in_ci, needs, needs_root

TIMEOUT_S = 300.0
SCRIPTS = Path("/usr/share/debootstrap/scripts")
REAL = {
    "hello": "upgrade",
    "figlet": "reinstall",
    "jq": "upgrade",
    "tree": "downgrade",
    "sl": "removed",
}
REAL_REMOVED = ("sl",)
LOWER, HIGHER = "0.0~base", "99:1-1"
BASE = (
    Payload("keep", "1.0-1", (Entry("usr/share/keep/data", "keep"),), state="kept"),
    Payload(
        "up",
        "1.0-1",
        (
            Entry("usr/bin/up", "1.0", 0o755),
            Entry("usr/lib/up/old", "no longer"),
            Entry("usr/lib/up/current", target="old"),
            Entry("etc/up.conf", "level=1\n", is_setting=True),
        ),
        state="1.0",
    ),
    Payload(
        "rebuilt",
        "1.0-1",
        (
            Entry("usr/bin/rebuilt", "content A", 0o755),
            Entry("usr/share/rebuilt/link", target="one"),
            Entry("usr/share/rebuilt/turns", "a file that becomes a link"),
        ),
        state="A",
    ),
    Payload("down", "1:2.0-1", (Entry("usr/share/down/two", "2.0"),), state="2.0"),
    Payload("gone", "1.0-1", (Entry("usr/share/gone/file", "gone"),), state="gone"),
)
CURRENT = (
    BASE[0],
    Payload(
        "up",
        "1.1-1",
        (
            Entry("usr/bin/up", "1.1", 0o4750, group="mail"),
            Entry("usr/lib/up/new", "since 1.1", 0o600),
            Entry("usr/lib/up/current", target="new"),
            Entry("etc/up.conf", "level=2\n", is_setting=True),  # dpkg keeps an old one's mode
        ),
        depends=("fresh",),
        state="1.1",
    ),
    Payload(
        "rebuilt",
        "1.0-1",
        (
            Entry("usr/bin/rebuilt", "content B", 0o700),
            Entry("usr/share/rebuilt/link", target="two"),
            Entry("usr/share/rebuilt/turns", target="link"),
        ),
        state="B",
    ),
    Payload("down", "1:1.5-1", (Entry("usr/share/down/one", "1.5", 0o444),), state="1.5"),
    Payload("fresh", "2.0-1", (Entry("usr/share/fresh/file", "fresh"),), state="fresh"),
)
PLANNED = {"up": "upgrade", "rebuilt": "reinstall", "down": "downgrade", "gone": "removed"}
#: Not content of a package: sources, caches, logs, and the databases of the tools.
VOLATILE = re.compile(
    r"(etc/(apt|yum\.repos\.d|dnf\.conf)|var/(cache|log|tmp)|var/lib/(apt|dnf|rpm|fuel_upgrade)"
    r"|root/\.rpmdb|var/lib/dpkg/(status|available|diversions|statoverride|lock|info/\S*\.list)"
    r"|var/lib/dpkg/(\S*-old|\S*lock\S*|triggers/Lock)|proc|sys|dev|run)(/|$)"
)


@dataclass(frozen=True)
class File:
    """A file on a node; ``content`` is a checksum or the target of a link."""

    kind: int
    mode: int
    owner: tuple[int, int]
    content: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder for repos and roots, with the address under which it is served."""
    root = tmp_path_factory.mktemp("nodes")
    root.chmod(0o755)
    with served(root) as address:
        yield root, address
    remove_tree(root)  # three whole systems: pytest would keep them for three runs


@pytest.fixture(scope="module")
def debian(place: tuple[Path, str]) -> Path:
    """A minimal Debian from the mirror that this machine itself uses."""
    root = place[0] / "debian"
    try:
        process.run(["debootstrap", "--variant=minbase", *_mirror(root)], timeout_s=TIMEOUT_S)
        chroot(root, "apt-get", "update")
        chroot(root, "apt-get", "install", "--yes", "--download-only", *REAL)
    except OutsideError as error:
        if in_ci():
            raise
        pytest.skip(f"no Debian mirror can be used: {error}")
    return root


def _mirror(root: Path) -> tuple[str, str, str]:
    """Return suite, root and address of the first source of apt that debootstrap can install."""
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    argv = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    for line in process.run(argv, timeout_s=TIMEOUT_S).splitlines():
        address, suite, component = line.split()
        if component == "main" and (SCRIPTS / suite).exists():
            return suite, str(root), address
    raise OutsideError("apt has no source with a whole release", remedy="add a Debian mirror")


def chroot(root: Path, *argv: str) -> str:
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    return process.run(["chroot", str(root), *argv], timeout_s=TIMEOUT_S, env=environment)


def make_debs(debian: Path, base: Path, current: Path) -> None:
    """Fill two pools: our packages, and real ones that the base has in an earlier form."""
    for pool, payloads in ((base, BASE), (current, CURRENT)):
        pool.mkdir(parents=True)
        for payload in payloads:
            build_deb(payload, pool)
    for deb in (debian / "var/cache/apt/archives").glob("*.deb"):
        name = deb.name.partition("_")[0]
        if name in REAL:
            repack(deb, base, partial(_as_in_base, REAL[name]))
        if name not in REAL_REMOVED:
            shutil.copy(deb, current)


def _as_in_base(change: str, control: str) -> str:
    """Give the control text another version, and no dependency on packages of current alone."""
    control = re.sub(r"(?m)^Depends: .*$", "Depends: libc6", control)
    version = {"upgrade": LOWER, "downgrade": HIGHER}.get(change)
    return re.sub(r"(?m)^Version: .*$", f"Version: {version}", control) if version else control


def read_files(root: Path) -> dict[str, File]:
    """Return every file of a node but the volatile ones, by path."""
    actual = {}
    for folder, folders, files in os.walk(root):
        inside = Path(folder).relative_to(root)
        folders[:] = [n for n in folders if not VOLATILE.match(str(inside / n))]
        for name in (*folders, *files):
            if not VOLATILE.match(path := str(inside / name)):
                actual[path] = _read_file(root / path)
    return actual


def _read_file(path: Path) -> File:
    facts = path.lstat()
    content = ""
    if stat.S_ISLNK(facts.st_mode):
        content = str(path.readlink())
    elif stat.S_ISREG(facts.st_mode):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    kind, mode = stat.S_IFMT(facts.st_mode), stat.S_IMODE(facts.st_mode)
    return File(kind, mode, (facts.st_uid, facts.st_gid), content)


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = sorted(one.keys() | other.keys())
    return {k: (one.get(k), other.get(k)) for k in keys if one.get(k) != other.get(k)}


def node_apply(root: Path, os_key: str, sources: Sequence[str]) -> dict[str, Any]:
    argv = ["node", "apply", "--os", os_key, "--root", str(root), "--remove", "--json"]
    result = CliRunner().invoke(main, [*argv, "--repos", ",".join(sources)])
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def planned(answer: dict[str, Any]) -> dict[str, str]:
    return {i["name"]: i["change"] for i in answer["packages"] if i["change"] != "foreign"}


def dpkg_state(root: Path) -> dict[str, tuple[str, ...]]:
    form = "${binary:Package} ${Version} ${Architecture} ${Status}\n"
    printed = process.run(
        ["dpkg-query", f"--root={root}", "-W", f"--showformat={form}"], timeout_s=TIMEOUT_S
    )
    rows = (line.split() for line in printed.splitlines())
    return {name: tuple(rest) for name, *rest in rows}


def dpkg_paths(root: Path) -> dict[str, list[str]]:
    """Return the sorted paths of each package, as dpkg knows them."""
    lists = (root / "var/lib/dpkg/info").glob("*.list")
    return {path.stem: sorted(path.read_text().splitlines()) for path in lists}


def apt_node(debian: Path, root: Path, address: str, names: Sequence[str]) -> None:
    """Copy the root and install packages from one full repo, the node's only source."""
    process.run(["cp", "-a", "--no-target-directory", str(debian), str(root)], timeout_s=TIMEOUT_S)
    (root / "etc/apt/sources.list").write_text(f"deb [trusted=yes] {address} stable main\n")
    chroot(root, "apt-get", "update", "--error-on=any")
    chroot(root, "apt-get", "install", "--yes", *names)


@needs_root()
@needs("debootstrap", "chroot", "apt-get", "apt-ftparchive", "dpkg-deb")
def test_a_debian_node_moved_to_the_release_has_the_files_of_a_node_of_the_release(
    place: tuple[Path, str], debian: Path
) -> None:
    folder, address = place
    base, current = folder / "apt/base", folder / "apt/current"
    make_debs(debian, base / "pool/main", current / "pool/main")
    for repo in (base, current):
        index_apt_repo(repo, {"Origin": "Fuel", "Label": "Fuel", "Suite": "stable"})
    build_diff(base, current, folder / "apt/diff")

    moved, fresh = folder / "moved", folder / "fresh"
    apt_node(debian, moved, f"{address}/apt/base", [*(p.name for p in BASE), *REAL])
    expected = [*(p.name for p in CURRENT), *(name for name in REAL if name not in REAL_REMOVED)]
    apt_node(debian, fresh, f"{address}/apt/current", expected)
    assert differences(read_files(moved), read_files(fresh)), "else nothing would be proved"

    sources = [f"{address}/apt/{repo} stable main" for repo in ("diff", "base")]
    answer = node_apply(moved, "ubuntu", sources)
    assert planned(answer) == {**PLANNED, **REAL}
    assert differences(read_files(moved), read_files(fresh)) == {}
    assert dpkg_state(moved) == dpkg_state(fresh)
    assert dpkg_paths(moved) == dpkg_paths(fresh)
    assert node_apply(moved, "ubuntu", sources)["state"] == "unchanged"


def rpm_state(root: Path) -> list[str]:
    form = "%{NEVRA} %{SIGMD5}\n"
    argv = ["rpm", "--root", str(root), "-qa", "--queryformat", form]
    printed = process.run(argv, timeout_s=TIMEOUT_S, env={"HOME": "/root"})
    return sorted(printed.splitlines())


def dnf_node(root: Path, address: str, names: Sequence[str]) -> None:
    node = DnfNode(root)
    node.apply({"etc/yum.repos.d/all.repo": f"[all]\nname=all\nbaseurl={address}\ngpgcheck=0\n"})
    node.install(names)


@needs_root()
@needs("dnf", "rpm", "rpmbuild", "createrepo_c")
def test_an_rpm_node_moved_to_the_release_has_the_files_of_a_node_of_the_release(
    place: tuple[Path, str],
) -> None:
    folder, address = place
    base, current = folder / "yum/base", folder / "yum/current"
    for repo, payloads in ((base, BASE), (current, CURRENT)):
        (repo / "Packages").mkdir(parents=True)
        for payload in payloads:
            build_rpm(payload, repo / "Packages")
        index_yum_repo(repo)
    build_diff(base, current, folder / "yum/diff")

    moved, fresh = folder / "rpm-moved", folder / "rpm-fresh"
    dnf_node(moved, f"{address}/yum/base", [p.name for p in BASE])
    dnf_node(fresh, f"{address}/yum/current", [p.name for p in CURRENT])
    assert differences(read_files(moved), read_files(fresh)), "else nothing would be proved"

    sources = [f"{address}/yum/{repo}" for repo in ("diff", "base")]
    answer = node_apply(moved, "centos", sources)
    assert planned(answer) == PLANNED
    assert differences(read_files(moved), read_files(fresh)) == {}
    assert rpm_state(moved) == rpm_state(fresh)
    assert node_apply(moved, "centos", sources)["state"] == "unchanged"
