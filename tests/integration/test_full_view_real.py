"""The full view with the real apt, dnf and gpg: as one plain source it is the current repo."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from demo.nodes import AptNode, DnfNode
from demo.packages import Recipe, make_apt_repo, make_yum_repo
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.fullview.squash import squash
from fuel_upgrade.repo.fullview.view import build_view
from fuel_upgrade.system import process
from fuel_upgrade.system.files import hash_file
from tests.tools import needs

needs_apt = needs("apt-get", "apt-cache", "apt-ftparchive", "dpkg-deb")
needs_dnf = needs("dnf", "rpm", "rpmbuild", "createrepo_c")
both = pytest.mark.parametrize(
    "kind", [pytest.param("apt", marks=needs_apt), pytest.param("yum", marks=needs_dnf)]
)
with_and_without = pytest.mark.parametrize("original", [True, False], ids=["own", "merged"])

SAME = Recipe("same", "1.0-1", "same" * 30_000)
BIG = Recipe("bystander", "1:3.0-1", "y" * 200_000, architecture="amd64")
BASE = (
    SAME,
    BIG,
    Recipe("up", "9.0-1", "up"),
    Recipe("rebuilt", "1.0-1", "content A"),
    Recipe("down", "2.0-1", "down"),
    Recipe("gone", "1.0-1", "gone"),
    Recipe("back", "1.0-1", "back"),
    Recipe("twice", "1.0-1", "content 1"),
)
MIDDLE = (
    SAME,
    BIG,
    Recipe("up", "10.0-1", "up", depends=("same",)),
    Recipe("rebuilt", "1.0-1", "content B"),
    Recipe("down", "2.0~rc1-1", "down"),
    Recipe("new", "1.0-1", "new"),
    Recipe("twice", "1.0-1", "content 2"),
)
CURRENT = (
    SAME,
    BIG,
    Recipe("up", "10.0-1", "up", depends=("same",)),
    Recipe("rebuilt", "1.0-1", "content A"),
    Recipe("down", "1.0-1", "down"),
    Recipe("new", "0.5+b1-1", "new"),
    Recipe("back", "1.0-1", "back"),
    Recipe("twice", "1.0-1", "content 3"),
    Recipe("twice-more", "2.0-1", "new", depends=("twice", "new")),
)
NAMES = sorted({r.name for r in (*BASE, *MIDDLE, *CURRENT)})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("repos")


def chain(place: Path, kind: str, *, original: bool = True) -> list[Path]:
    """Make three full repos once, and return a chain for the newest, with that repo in full."""
    folder = place / kind
    full = [folder / f"full-{number}" for number in range(3)]
    if not folder.exists():
        for root, recipes in zip(full, (BASE, MIDDLE, CURRENT), strict=True):
            if kind == "apt":
                make_apt_repo(root, recipes)
            else:
                make_yum_repo(root, recipes)
    diffs = [folder / f"diff-{number}-{original}" for number in (2, 1)]
    if not diffs[0].exists():
        build_diff(full[0], full[1], diffs[1], DiffOptions(original=original))
        build_diff(diffs[1], full[2], diffs[0], DiffOptions(original=original))
    return [*diffs, full[0]]


def source(kind: str, root: Path, options: str = "trusted=yes") -> dict[str, str]:
    """One plain source and no pin."""
    if kind == "apt":
        return {"etc/apt/sources.list": f"deb [{options}] file://{root} precise main\n"}
    return {"etc/yum.repos.d/one.repo": f"[one]\nname=one\nbaseurl=file://{root}\n"}


def offered(kind: str, root: Path, node_root: Path) -> dict[str, str]:
    """Return all versions of each package on a node, and checksum and URL of the best."""
    if kind == "yum":
        dnf = DnfNode(node_root)
        dnf.apply(source(kind, root))
        rows = dnf._dnf("--quiet", "repoquery", "--queryformat", "%{name} %{evr} %{arch}\n")
        packages = {row.split()[0]: row for row in rows.splitlines() if row}
        assert packages, "dnf is offered nothing at all"
        got = {name: dnf.download(name, node_root / "got" / name) for name in packages}
        return {row: hash_file(got[name]) for name, row in packages.items()}
    node = AptNode(node_root)
    node.apply(source(kind, root))
    message = {}
    for name in NAMES:
        policy = re.sub(r"file:\S+", "", node.policy(name))
        known = "Candidate: " in policy and "Candidate: (none)" not in policy
        uris = node._run("apt-get", "download", "--print-uris", name) if known else ""
        message[name] = policy + uris.replace(str(root), "")
        if known:
            message[name] += hash_file(node.download(name, node_root / "got" / name))
    return message


@both
@with_and_without
def test_a_node_with_only_the_view_sees_the_current_repo(
    place: Path, tmp_path: Path, kind: str, *, original: bool
) -> None:
    build_view(chain(place, kind, original=original), tmp_path / "view")
    expected = offered(kind, place / kind / "full-2", tmp_path / "current-node")
    got = offered(kind, tmp_path / "view", tmp_path / "view-node")
    if not original:  # the label, which policy shows, is the view's own
        expected, got = (
            {k: without_label(v) for k, v in actual.items()} for actual in (expected, got)
        )
    assert got == expected
    assert len([name for name, text in got.items() if text]) >= len(CURRENT)


def without_label(text: str) -> str:
    return re.sub(r",?l=[^,\s]+", "", text)


@both
def test_it_installs_and_brings_down_as_the_current_repo_does(
    place: Path, tmp_path: Path, kind: str
) -> None:
    build_view(chain(place, kind), tmp_path / "view")
    node = AptNode(tmp_path / "node") if kind == "apt" else DnfNode(tmp_path / "node")
    node.apply(source(kind, tmp_path / "view"))
    node.install([recipe.name for recipe in CURRENT])
    assert node.installed() == {r.name: (r.version, r.content) for r in CURRENT}


@both
def test_a_squashed_release_outlives_its_chain(place: Path, tmp_path: Path, kind: str) -> None:
    roots = []
    for number, root in enumerate(chain(place, kind)):
        roots.append(tmp_path / f"part-{number}")
        shutil.copytree(root, roots[-1])
    squash(roots, tmp_path / "squashed")
    for root in roots:
        shutil.rmtree(root)
    expected = offered(kind, place / kind / "full-2", tmp_path / "current-node")
    assert offered(kind, tmp_path / "squashed", tmp_path / "squashed-node") == expected


def disk_usage(*roots: Path) -> int:
    """Bytes on the disk as du counts them: a file once, wherever else it has a name."""
    printed = process.run(["du", "-s", "-B1", "-c", *map(str, roots)], timeout_s=60)
    return int(printed.splitlines()[-1].split()[0])


@both
def test_the_disk_holds_no_package_twice(place: Path, tmp_path: Path, kind: str) -> None:
    roots = chain(place, kind)
    parts = [*roots, place / kind / "full-2"]  # the diff's packages are linked to these
    before = disk_usage(*parts)
    actual = build_view(roots, tmp_path / "view")
    more = disk_usage(*parts, tmp_path / "view") - before
    indexes = "dists" if kind == "apt" else "repodata"
    folders = sum(p.stat().st_blocks * 512 for p in (tmp_path / "view").rglob("*") if p.is_dir())
    assert more == actual.new_bytes
    assert more <= disk_usage(tmp_path / "view" / indexes) + folders + 4096
    assert actual.package_bytes > 300_000 > more


@both
def test_archives_are_accepted_too(place: Path, tmp_path: Path, kind: str) -> None:
    roots = chain(place, kind)
    archives = []
    for root in roots:
        archives.append(tmp_path / f"{root.name}.tar")
        argv = ["tar", "-cf", str(archives[-1]), "-C", str(root.parent), root.name]
        process.run(argv, timeout_s=60)
    build_view(roots, tmp_path / "of folders")
    build_view(archives, tmp_path / "of archives")
    compare = ["diff", "-r", str(tmp_path / "of folders"), str(tmp_path / "of archives")]
    assert process.run(compare, timeout_s=60) == ""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of gpg with one key, and beside it the public half as apt wants it."""
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    gpg(home, "--quick-generate-key", "Repo <repo@example.com>", "ed25519", "sign", "never")
    gpg(home, "--export", "--output", str(home / "repo.gpg"))
    (home / "repo.gpg").chmod(0o644)
    yield home
    process.run(["gpgconf", "--homedir", str(home), "--kill", "all"], timeout_s=120)


def gpg(home: Path, *argv: str) -> str:
    head = ["gpg", "--homedir", str(home), "--batch", "--yes", "--passphrase", ""]
    return process.run([*head, "--pinentry-mode", "loopback", *argv], timeout_s=60)


def signed_chain(folder: Path, key: Path, recipes: Sequence[Recipe]) -> list[Path]:
    """A base, and a diff of it whose current repo is signed in both of apt's ways."""
    base = make_apt_repo(folder / "base", BASE)
    current = make_apt_repo(folder / "current", recipes)
    release = current / "dists/precise/Release"
    gpg(key, "--clearsign", "--output", str(release.with_name("InRelease")), str(release))
    gpg(key, "--armor", "--detach-sign", "--output", f"{release}.gpg", str(release))
    build_diff(base, current, folder / "diff")
    return [folder / "diff", base]


@needs_apt
@needs("gpg", "gpgv")
@pytest.mark.parametrize("form", ["InRelease", "Release.gpg"])
def test_apt_verifies_the_original_signature_through_the_view(
    key: Path, tmp_path: Path, form: str
) -> None:
    build_view(signed_chain(tmp_path, key, CURRENT), tmp_path / "view")
    folder = tmp_path / "view/dists/precise"
    for name in ("InRelease", "Release", "Release.gpg"):
        assert (folder / name).read_bytes() == (
            tmp_path / "current/dists/precise" / name
        ).read_bytes()
    other = "Release.gpg" if form == "InRelease" else "InRelease"
    (folder / other).unlink()  # so that apt cannot do with the other
    node = AptNode(tmp_path / "node")
    options = f"signed-by={key}/repo.gpg"
    node.apply(source("apt", tmp_path / "view", options))
    node.install(["twice-more", "rebuilt"])
    assert node.installed()["rebuilt"] == ("1.0-1", "content A")
    signed = folder / ("InRelease" if form == "InRelease" else "Release")
    signed.write_text(signed.read_text().replace("Label: Fuel", "Label: Evil"))
    with pytest.raises(Exception, match=r"apt-get ended with 100.*(?i:signature|NODATA|BADSIG)"):
        AptNode(tmp_path / "other").apply(source("apt", tmp_path / "view", options))


@needs_apt
@pytest.mark.parametrize("left", ["Packages.gz", "Packages.xz"])
def test_apt_takes_whichever_form_of_an_index_the_view_has(
    place: Path, tmp_path: Path, left: str
) -> None:
    """Release lists three forms; a view has one."""
    chain(place, "apt")
    shutil.copytree(place / "apt/full-2", tmp_path / "current", copy_function=os.link)
    for path in (tmp_path / "current/dists").rglob("Packages*"):
        if path.name != left:
            path.unlink()
    build_view([tmp_path / "current"], tmp_path / "view")
    assert [p.name for p in (tmp_path / "view/dists").rglob("Packages*")] == [left]
    expected = offered("apt", place / "apt/full-2", tmp_path / "current-node")
    assert offered("apt", tmp_path / "view", tmp_path / "view-node") == expected
