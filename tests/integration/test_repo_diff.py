"""Diff repos of real packages, judged by the real apt, dnf, dpkg and rpm."""

import random
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml

from demo.nodes import AptNode, DnfNode
from demo.packages import Recipe, make_apt_repo, make_yum_repo
from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.read_repo import read_repo
from fuel_upgrade.repo.version import compare_deb, compare_rpm
from fuel_upgrade.system import process
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.tree_digest import walk
from tests.tools import needs, shared_dir

needs_apt = needs("apt-get", "apt-cache", "apt-ftparchive", "dpkg-deb")
needs_dnf = needs("dnf", "rpm", "rpmbuild", "createrepo_c")
both = pytest.mark.parametrize(
    "kind", [pytest.param("apt", marks=needs_apt), pytest.param("yum", marks=needs_dnf)]
)

SAME = Recipe("same", "1.0-1", "same")
BASE = (
    SAME,
    Recipe("up", "9.0-1", "up", architecture="amd64"),
    Recipe("rebuilt", "1:1.0-1", "content A"),
    Recipe("down", "2.0-1", "down"),
    Recipe("gone", "1.0-1", "gone"),
)
CURRENT = (
    SAME,
    Recipe("up", "10.0-1", "up", architecture="amd64", depends=("same",)),
    Recipe("rebuilt", "1:1.0-1", "content B"),
    Recipe("down", "2.0~rc1-1", "down"),
    Recipe("new", "1.0-1", "new", component="universe"),
)
CARRIED = {recipe.name for recipe in CURRENT} - {"same"}
ARCHITECTURES = ("amd64", "i386")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("repos")


def made(place: Path, kind: str) -> tuple[Path, Path]:
    """Make the base and the current repo once."""
    pair = place / kind / "base", place / kind / "current"
    if not (place / kind).exists():
        for root, recipes in zip(pair, (BASE, CURRENT), strict=True):
            if kind == "apt":
                make_apt_repo(root, recipes, architectures=ARCHITECTURES)
            else:
                make_yum_repo(root, recipes)
    return pair


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in walk(root) if p.is_file()}


@both
def test_the_change_of_each_package_is_reported(place: Path, tmp_path: Path, kind: str) -> None:
    description = build_diff(*made(place, kind), tmp_path / "out")
    assert description.counts == {
        "added": 1, "upgraded": 1, "rebuilt": 1, "downgraded": 1,
        "inherited": 1, "removed": 1, "carried": 4,
    }  # fmt: skip
    assert [text.split()[0] for text in description.rebuilt] == ["rebuilt"]
    assert [text.split()[0] for text in description.downgraded] == ["down"]
    assert [text.split()[0] for text in description.removed] == ["gone"]


@needs_apt
def test_apt_takes_the_diff_repo_by_itself(place: Path, tmp_path: Path) -> None:
    build_diff(*made(place, "apt"), tmp_path / "out")
    node = AptNode(tmp_path / "node")
    line = f"deb [trusted=yes] file://{tmp_path}/out precise main universe\n"
    node.apply({"etc/apt/sources.list": line})
    form = "$(CREATED_BY) $(COMPONENT) $(ARCHITECTURE)"
    targets = node._run("apt-get", "indextargets", "--format", form)
    assert {"Packages main amd64", "Packages universe amd64"} <= set(targets.splitlines())
    for recipe in CURRENT:
        known = f"Candidate: {recipe.version}\n" in node.policy(recipe.name)
        assert known == (recipe.name in CARRIED), recipe
    got = node.download("rebuilt", tmp_path / "got")
    assert got.read_bytes() == (tmp_path / "out" / pool_path("rebuilt", CURRENT)).read_bytes()


def pool_path(name: str, recipes: Sequence[Recipe]) -> str:
    (recipe,) = (recipe for recipe in recipes if recipe.name == name)
    return f"{recipe.pool_folder}/{recipe.deb_file}"


@needs_apt
def test_apt_refuses_the_diff_repo_when_an_index_is_altered(place: Path, tmp_path: Path) -> None:
    build_diff(*made(place, "apt"), tmp_path / "out")
    for path in (tmp_path / "out/dists").rglob("main/binary-amd64/Packages*"):
        path.write_bytes(b"Package: other\n")
    node = AptNode(tmp_path / "node")
    with pytest.raises(Exception, match="apt-get ended with 100"):
        node.apply(
            {"etc/apt/sources.list": f"deb [trusted=yes] file://{tmp_path}/out precise main\n"}
        )


@needs_dnf
def test_dnf_takes_the_diff_repo_by_itself(place: Path, tmp_path: Path) -> None:
    build_diff(*made(place, "yum"), tmp_path / "out")
    node = DnfNode(tmp_path / "node")
    node.apply({"etc/yum.repos.d/a.repo": f"[a]\nname=a\nbaseurl=file://{tmp_path}/out\n"})
    rows = node._dnf("--quiet", "repoquery", "--queryformat", "%{name} %{evr} %{location}\n")
    actual = dict(row.split(" ")[:2] for row in rows.splitlines() if row)
    assert actual == {r.name: r.version for r in CURRENT if r.name in CARRIED}
    provided = node._dnf("--quiet", "repoquery", "--list", "rebuilt")
    assert "/usr/share/rebuilt/content" in provided, "filelists are there too"
    got = node.download("rebuilt", tmp_path / "got")
    assert hash_file(got) == hash_file(next((tmp_path / "out").rglob("rebuilt-*.rpm")))


@both
def test_a_diff_against_itself_is_empty_and_still_a_repo(
    place: Path, tmp_path: Path, kind: str
) -> None:
    _, current = made(place, kind)
    assert build_diff(current, current, tmp_path / "out").counts["carried"] == 0
    if kind == "apt":
        source = f"deb [trusted=yes arch=amd64,i386] file://{tmp_path}/out precise main universe\n"
        AptNode(tmp_path / "node").apply({"etc/apt/sources.list": source})
        assert len(list((tmp_path / "out/dists").rglob("Packages.gz"))) == 4
    else:
        source = f"[a]\nname=a\nbaseurl=file://{tmp_path}/out\n"
        DnfNode(tmp_path / "node").apply({"etc/yum.repos.d/a.repo": source})


@both
@pytest.mark.parametrize("options", [DiffOptions(), DiffOptions(link=False)])
def test_the_same_input_gives_the_same_tree(
    place: Path, tmp_path: Path, kind: str, options: DiffOptions
) -> None:
    pair = made(place, kind)
    for name in ("one", "other"):
        build_diff(*pair, tmp_path / name, options)
    assert contents(tmp_path / "one") == contents(tmp_path / "other")
    location = {p.name: p.location for p in read_repo(pair[1]).packages}["new"]
    inodes = {(root / location).stat().st_ino for root in (pair[1], tmp_path / "one")}
    assert len(inodes) == (1 if options.link else 2)


@both
def test_a_package_altered_after_indexing_is_refused(
    place: Path, tmp_path: Path, kind: str
) -> None:
    base, current = made(place, kind)
    shutil.copytree(current, tmp_path / "current", symlinks=True)
    (path,) = (p for p in walk(tmp_path / "current") if re.match(r"new[-_].*(deb|rpm)$", p.name))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(BundleError, match="but the index says"):
        build_diff(base, tmp_path / "current", tmp_path / "out", DiffOptions(link=False))
    assert [p.name for p in tmp_path.iterdir()] == ["current"]


@both
@pytest.mark.parametrize(
    ("packing", "suffix"),
    [
        ("--no-auto-compress", "tar"),
        ("--gzip", "tar.gz"),
        ("--zstd", "tar.zst"),
        ("--xz", "tar.xz"),
    ],
)
def test_archives_made_by_tar_are_accepted(
    place: Path, tmp_path: Path, kind: str, packing: str, suffix: str
) -> None:
    base, current = made(place, kind)
    archives = []
    for root in (base, current):
        archive = tmp_path / f"{root.name}.{suffix}"
        argv = ["tar", packing, "-cf", str(archive), "-C", str(root.parent), root.name]
        process.run(argv, timeout_s=60)
        archives.append(archive)
    build_diff(archives[0], archives[1], tmp_path / "out")
    build_diff(base, current, tmp_path / "expected")
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")


def versions(name: str) -> list[str]:
    path = shared_dir() / "data/versions" / name
    loaded = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    return sorted(map(str, loaded.values()))


def pairs(real: Sequence[str], alphabet: str) -> list[tuple[str, str]]:
    """Draw 500 pairs of real versions, near ones among them, and as many of odd ones."""
    draw = random.Random(20141124)
    near = [(one, mutated(draw, one)) for one in draw.choices(real, k=150)]
    neighbours = [real[i : i + 2] for i in draw.choices(range(len(real) - 1), k=150)]
    far = [(draw.choice(real), draw.choice(real)) for _ in range(200)]
    odd = [
        ("".join(draw.choices(alphabet, k=5)), "".join(draw.choices(alphabet, k=5)))
        for _ in range(500)
    ]
    return [*near, *((a, b) for a, b in neighbours), *far, *odd]


def mutated(draw: random.Random, version: str) -> str:
    """Change one digit of a version."""
    digits = [index for index, char in enumerate(version) if char.isdigit()]
    at = draw.choice(digits)
    return version[:at] + draw.choice("0123456789") + version[at + 1 :]


def signs(compare: Callable[[str, str], int], drawn: Sequence[tuple[str, str]]) -> list[int]:
    return [(actual > 0) - (actual < 0) for actual in (compare(*pair) for pair in drawn)]


@needs("dpkg")
def test_versions_are_ordered_as_dpkg_orders_them(tmp_path: Path) -> None:
    drawn = [(f"1{a}", f"1{b}") for a, b in pairs(versions("ubuntu-5.0.yaml"), "01ab~+.")]
    drawn = [pair for pair in drawn if not any(re.search(r":\D|:$|-$", v) for v in pair)]
    assert len(drawn) >= 900
    script = tmp_path / "compare.sh"
    lines = [
        f"if dpkg --compare-versions '{a}' lt '{b}'; then echo -1;"
        f" elif dpkg --compare-versions '{a}' eq '{b}'; then echo 0; else echo 1; fi"
        for a, b in drawn
    ]
    script.write_text("\n".join(lines) + "\n")
    answers = process.run(["sh", str(script)], timeout_s=60)
    assert signs(compare_deb, drawn) == [int(word) for word in answers.split()]


@needs("rpm")
def test_versions_are_ordered_as_rpm_orders_them() -> None:
    drawn = pairs(versions("centos-5.0.yaml"), "01ab~^._")
    answers = []
    for start in range(0, len(drawn), 100):
        calls = ",".join(f'rpm.vercmp("{a}","{b}")' for a, b in drawn[start : start + 100])
        words = process.run(["rpm", "--eval", f"%{{lua: print({calls})}}"], timeout_s=60).split()
        answers += [int(word) for word in words]
    assert signs(compare_rpm, drawn) == answers
