"""Writing a diff repo: whole and checked, or not at all."""

import io
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import zstandard

from fuel_upgrade.errors import BundleError, ConfigError, UpgradeError
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.description import DiffDescription
from fuel_upgrade.repo.read_repo import read_repo
from fuel_upgrade.system.tree_digest import digest, walk
from tests.builders import Fake, apt_repo, yum_repo

SAME = Fake("same")
BASE = [SAME, Fake("changed", content="one"), Fake("gone")]
CURRENT = [SAME, Fake("changed", content="two"), Fake("new")]
Make = Callable[..., Path]
both = pytest.mark.parametrize("make", [apt_repo, yum_repo], ids=["apt", "yum"])


def read_description(out: Path) -> DiffDescription:
    return DiffDescription.parse((out / "diff.yaml").read_text(), source="diff.yaml")


def names(root: Path) -> set[str]:
    return {package.name for package in read_repo(root).packages}


def file_of(root: Path, name: str) -> Path:
    (package,) = (p for p in read_repo(root).packages if p.name == name)
    return root / package.location


@both
def test_a_diff_repo_contains_and_describes_the_differences(tmp_path: Path, make: Make) -> None:
    base, current = make(tmp_path / "base", BASE), make(tmp_path / "current", CURRENT)
    description = build_diff(base, current, tmp_path / "out")
    assert names(tmp_path / "out") == {"changed", "new"}
    assert description == read_description(tmp_path / "out")
    assert description.counts == {
        "added": 1, "upgraded": 0, "rebuilt": 1, "downgraded": 0,
        "inherited": 1, "removed": 1, "carried": 2,
    }  # fmt: skip
    assert description.carried_bytes == len("two") + len("content")
    assert [text.split()[0] for text in description.removed] == ["gone"]
    assert [text.split()[0] for text in description.inherited] == ["same"]
    packages = [p for p in walk(tmp_path / "out") if p.suffix in (".deb", ".rpm")]
    assert len(packages) == 2
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755


@both
def test_packages_are_linked_unless_copies_are_requested(tmp_path: Path, make: Make) -> None:
    base, current = make(tmp_path / "base", BASE), make(tmp_path / "current", CURRENT)
    build_diff(base, current, tmp_path / "linked")
    build_diff(base, current, tmp_path / "copied", DiffOptions(link=False))
    inode = file_of(current, "new").stat().st_ino
    assert file_of(tmp_path / "linked", "new").stat().st_ino == inode
    assert file_of(tmp_path / "copied", "new").stat().st_ino != inode
    assert digest_of_contents(tmp_path / "linked") == digest_of_contents(tmp_path / "copied")


def digest_of_contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in walk(root) if p.is_file()}


@both
def test_the_same_input_gives_the_same_bytes(tmp_path: Path, make: Make) -> None:
    base, current = make(tmp_path / "base", BASE), make(tmp_path / "current", CURRENT)
    for name in ("one", "other"):
        build_diff(base, current, tmp_path / name)
    assert digest_of_contents(tmp_path / "one") == digest_of_contents(tmp_path / "other")


@both
def test_equal_repos_give_an_empty_valid_diff_repo(tmp_path: Path, make: Make) -> None:
    current = make(tmp_path / "current", CURRENT)
    description = build_diff(current, current, tmp_path / "out")
    assert names(tmp_path / "out") == set()
    assert description.base_fingerprint == description.result_fingerprint
    assert (description.counts["carried"], description.counts["inherited"]) == (0, 3)


@both
def test_a_diff_repo_may_be_the_base_of_the_next(tmp_path: Path, make: Make) -> None:
    base, current = make(tmp_path / "base", BASE), make(tmp_path / "current", CURRENT)
    build_diff(base, current, tmp_path / "one")
    latest = make(tmp_path / "latest", [*CURRENT, Fake("newer")])
    build_diff(tmp_path / "one", latest, tmp_path / "two")
    assert names(tmp_path / "two") == {"newer"}, "what the base inherits is there as well"
    build_diff(current, latest, tmp_path / "three")
    assert digest_of_contents(tmp_path / "two") == digest_of_contents(tmp_path / "three")


def test_inherited_packages_have_no_other_checksum(tmp_path: Path) -> None:
    base = apt_repo(tmp_path / "base", BASE, sums=["MD5sum"])
    build_diff(base, apt_repo(tmp_path / "c", CURRENT, sums=["MD5sum"]), tmp_path / "one")
    latest = apt_repo(tmp_path / "latest", CURRENT, sums=["SHA256"])
    with pytest.raises(BundleError, match=r"its diff\.yaml has no sha256 checksums"):
        build_diff(tmp_path / "one", latest, tmp_path / "two")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@both
@pytest.mark.parametrize("options", [DiffOptions(link=False), DiffOptions(verify_links=True)])
def test_a_flipped_byte_is_refused_and_nothing_is_left(
    tmp_path: Path, make: Make, options: DiffOptions
) -> None:
    refuse_damage(tmp_path, make, flip, options, "sha256 .*, but the index says")


@both
@pytest.mark.parametrize(
    ("damage", "what"),
    [(shorten, "6 bytes, but the index says 7"), (Path.unlink, "listed in the index, but ")],
)
def test_a_wrong_size_and_a_missing_file_are_refused(
    tmp_path: Path, make: Make, damage: Callable[[Path], None], what: str
) -> None:
    refuse_damage(tmp_path, make, damage, DiffOptions(), what)


def refuse_damage(
    tmp_path: Path, make: Make, damage: Callable[[Path], None], options: DiffOptions, what: str
) -> None:
    base, current = make(tmp_path / "base", BASE), make(tmp_path / "current", CURRENT)
    damage(file_of(current, "new"))
    with pytest.raises(BundleError, match=what):
        build_diff(base, current, tmp_path / "out", options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["base", "current"]


@both
def test_an_interruption_at_any_point_leaves_nothing(tmp_path: Path, make: Make) -> None:
    base, current = make(tmp_path / "base", BASE), make(tmp_path / "current", CURRENT)
    before = digest(tmp_path)
    for stop_at in range(4):
        calls = 0

        def stop(_what: str, _done: int, _total: int, at: int = stop_at) -> None:
            nonlocal calls
            if calls == at:
                raise KeyboardInterrupt
            calls += 1

        with pytest.raises(KeyboardInterrupt):
            build_diff(base, current, tmp_path / "out", progress=stop)
        assert digest(tmp_path) == before


def test_progress_tells_how_far_it_is(tmp_path: Path) -> None:
    events: list[tuple[str, int, int]] = []
    base, current = apt_repo(tmp_path / "base", BASE), apt_repo(tmp_path / "current", CURRENT)
    build_diff(base, current, tmp_path / "o", progress=lambda *event: events.append(event))
    assert events == [("comparing", 0, 1), *(("packages", done, 2) for done in range(3))]


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_an_existing_place_is_refused_and_kept(tmp_path: Path, kind: str) -> None:
    current = apt_repo(tmp_path / "current", CURRENT)
    out = tmp_path / "out"
    if kind == "file":
        out.touch()
    elif kind == "folder":
        out.mkdir()
    else:
        out.symlink_to("nowhere")
    before = digest(tmp_path)
    with pytest.raises(ConfigError if kind != "link" else (ConfigError, FileExistsError)):
        build_diff(current, current, out)
    assert digest(tmp_path) == before


def test_repos_of_two_kinds_are_refused(tmp_path: Path) -> None:
    base, current = apt_repo(tmp_path / "base", BASE), yum_repo(tmp_path / "current", CURRENT)
    with pytest.raises(ConfigError, match="one is an apt repo, the other a yum repo"):
        build_diff(base, current, tmp_path / "out")
    with pytest.raises(ConfigError, match="nothing: no such folder or archive"):
        build_diff(tmp_path / "nothing", current, tmp_path / "out")


def pack(root: Path, target: Path, *, top: str, packing: str) -> Path:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz" if packing == ".gz" else "w") as archive:
        for path in sorted(root.iterdir()):
            archive.add(path, f"{top}{path.name}")
    data = stream.getvalue()
    target.write_bytes(zstandard.compress(data) if packing == ".zst" else data)
    return target


@both
@pytest.mark.parametrize("top", ["", "ubuntu-repo/", "./"])
def test_archives_are_accepted_like_folders(tmp_path: Path, make: Make, top: str) -> None:
    roots = (make(tmp_path / "base", BASE), make(tmp_path / "current", CURRENT))
    build_diff(*roots, tmp_path / "expected")
    expected = digest_of_contents(tmp_path / "expected")
    for packing in ("", ".gz", ".zst"):
        base, current = (
            pack(root, tmp_path / f"{root.name}.tar{packing}", top=top, packing=packing)
            for root in roots
        )
        before = {path.name for path in tmp_path.iterdir()}
        out = f"out{packing}"
        build_diff(base, current, tmp_path / out)
        assert digest_of_contents(tmp_path / out) == expected, packing
        assert {path.name for path in tmp_path.iterdir()} == before | {out}, packing


@both
def test_an_archived_repo_without_packages_is_a_repo(tmp_path: Path, make: Make) -> None:
    base, current = make(tmp_path / "base", []), make(tmp_path / "current", CURRENT)
    packed = pack(base, tmp_path / "base.tar", top="", packing="")
    assert build_diff(packed, current, tmp_path / "out").counts["added"] == 3


def test_yum_repos_without_a_checksum_in_common_are_read_for_one(tmp_path: Path) -> None:
    base = yum_repo(tmp_path / "base", BASE, algorithm="sha")
    description = build_diff(base, yum_repo(tmp_path / "current", CURRENT), tmp_path / "out")
    assert (description.algorithm, description.counts["inherited"]) == ("sha256", 1)


def test_repos_without_a_checksum_in_common_are_read_for_one(tmp_path: Path) -> None:
    base = apt_repo(tmp_path / "base", BASE, sums=["MD5sum"])
    current = apt_repo(tmp_path / "current", CURRENT, sums=["SHA256"])
    description = build_diff(base, current, tmp_path / "out")
    assert description.algorithm == "sha256"
    assert description.counts["inherited"] == 1
    (base / SAME.location).unlink()
    with pytest.raises(BundleError, match=r"same all .* cannot be read for its checksum"):
        build_diff(base, current, tmp_path / "again")


@pytest.mark.parametrize(("sums", "algorithm"), [(["MD5sum"], "md5"), ([], "sha256")])
def test_weak_or_missing_checksums_still_give_a_checked_diff(
    tmp_path: Path, sums: list[str], algorithm: str
) -> None:
    base = apt_repo(tmp_path / "base", BASE, sums=sums)
    current = apt_repo(tmp_path / "current", CURRENT, sums=sums)
    description = build_diff(base, current, tmp_path / "out", DiffOptions(link=False))
    assert description.algorithm == algorithm
    assert names(tmp_path / "out") == {"changed", "new"}


def test_several_components_and_architectures_are_all_written(tmp_path: Path) -> None:
    make = partial(apt_repo, components=["main", "universe"], architectures=["amd64", "i386"])
    extra = Fake("extra", component="universe", architecture="i386")
    base = make(tmp_path / "base", [SAME, extra])
    build_diff(base, base, tmp_path / "none")
    assert len(list((tmp_path / "none").rglob("Packages"))) == 4
    current = make(tmp_path / "current", [SAME])
    build_diff(current, base, tmp_path / "out")
    assert names(tmp_path / "out") == {"extra"}


def test_suites_are_chosen_for_each_side(tmp_path: Path) -> None:
    base = apt_repo(tmp_path / "base", BASE, suite="precise")
    current = apt_repo(apt_repo(tmp_path / "current", [], suite="old"), CURRENT, suite="trusty")
    with pytest.raises(ConfigError, match="several suites"):
        build_diff(base, current, tmp_path / "out")
    options = DiffOptions(suite="trusty", base_suite="precise", label="mine")
    build_diff(base, current, tmp_path / "out", options)
    assert (tmp_path / "out/dists/trusty/Release").read_text().count("Label: mine\n") == 1


def test_labels_tell_diff_repos_of_other_content_apart(tmp_path: Path) -> None:
    base, current = apt_repo(tmp_path / "base", BASE), apt_repo(tmp_path / "current", CURRENT)
    labels = set()
    for number, pair in enumerate([(base, current), (current, base), (base, base)]):
        build_diff(*pair, tmp_path / f"{number}")
        labels.add((tmp_path / f"{number}/dists/precise/Release").read_text().splitlines()[1])
    assert len(labels) == 3


def test_every_refusal_has_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(UpgradeError) as caught:
        build_diff(tmp_path, tmp_path, tmp_path / "out")
    assert caught.value.remedy
