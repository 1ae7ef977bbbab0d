"""The full view: its content, the source of its indexes, and its refusals."""

import lzma
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.repo.apt.repo import read_apt
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.description import DiffDescription
from fuel_upgrade.repo.fullview.squash import squash, succeeding
from fuel_upgrade.repo.fullview.view import build_view
from fuel_upgrade.repo.read_repo import read_repo
from fuel_upgrade.system.disk_space import own_bytes
from fuel_upgrade.system.tree_digest import walk
from tests.builders import Fake, apt_repo, write, yum_repo

Make = Callable[..., Path]
both = pytest.mark.parametrize("make", [apt_repo, yum_repo], ids=["apt", "yum"])
with_and_without = pytest.mark.parametrize("original", [True, False], ids=["own", "merged"])
SAME = Fake("same", content="same" * 5000)
SIGNATURES = {
    "apt": ("dists/precise/InRelease", "dists/precise/Release.gpg"),
    "yum": ("repodata/repomd.xml.asc", "repodata/repomd.xml.key"),
}
RELEASES = (
    [SAME, Fake("changed", content="one"), Fake("gone"), Fake("midway")],
    [SAME, Fake("changed", content="two"), Fake("new"), Fake("midway", content="b")],
    [SAME, Fake("changed", content="six"), Fake("new"), Fake("gone", content="back")],
)


def build_chain(folder: Path, make: Make, *, original: bool = True) -> list[Path]:
    """Make the full repos and return the chain of the newest: a diff of a diff of a full one."""
    full = [make(folder / f"full-{n}", fakes) for n, fakes in enumerate(RELEASES)]
    for name in SIGNATURES["apt" if make is apt_repo else "yum"]:
        write(full[2] / name, f"{name} of somebody's key\n")
    options = DiffOptions(original=original)
    build_diff(full[0], full[1], folder / "diff-1", options)
    build_diff(folder / "diff-1", full[2], folder / "diff-2", options)
    return [folder / "diff-2", folder / "diff-1", full[0]]


@cache
def chain_files(make: Make, *, original: bool) -> Mapping[str, bytes]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        build_chain(folder, make, original=original)
        files = (path for path in walk(folder) if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def chain(folder: Path, make: Make, *, original: bool = True) -> list[Path]:
    """Write a chain as :func:`build_chain` builds it: each is built once, most tests need one."""
    for name, content in chain_files(make, original=original).items():
        write(folder / name, content)
    return [folder / "diff-2", folder / "diff-1", folder / "full-0"]


def checksums(make: Make, kind: str) -> dict[str, object]:
    return {"sums": (kind,)} if make is apt_repo else {"algorithm": kind}


def held(root: Path) -> set[str]:
    return {p.identity("sha256") for p in read_repo(root).packages}


def packages(root: Path) -> dict[str, bytes]:
    result = (p for p in walk(root) if p.suffix in (".deb", ".rpm"))
    return {str(p.relative_to(root)): p.read_bytes() for p in result}


def index_files(root: Path) -> dict[str, bytes]:
    result = (p for p in walk(root) if p.is_file() and p.suffix not in (".deb", ".rpm"))
    return {str(p.relative_to(root)): p.read_bytes() for p in result}


@both
@with_and_without
def test_it_holds_exactly_the_release(tmp_path: Path, make: Make, *, original: bool) -> None:
    result = build_view(chain(tmp_path, make, original=original), tmp_path / "view")
    current = tmp_path / "full-2"
    assert held(tmp_path / "view") == held(current)
    assert packages(tmp_path / "view") == packages(current)
    assert (result.packages, result.own_indexes) == (4, original)
    described = DiffDescription.parse((tmp_path / "diff-2/diff.yaml").read_text(), source="d")
    assert result.fingerprint == described.result_fingerprint
    assert not (tmp_path / "view/diff.yaml").exists()
    assert (tmp_path / "view").stat().st_mode & 0o777 == 0o755


@both
def test_its_indexes_are_those_of_the_current_repo(tmp_path: Path, make: Make) -> None:
    roots = chain(tmp_path, make)
    build_view(roots, tmp_path / "view")
    expected, got = index_files(tmp_path / "full-2"), index_files(tmp_path / "view")
    assert {name: expected[name] for name in got} == got
    signed = SIGNATURES["apt" if make is apt_repo else "yum"]
    assert set(signed) <= set(got)
    plain = {"dists/precise/main/binary-amd64/Packages"} if make is apt_repo else set()
    assert set(expected) - set(got) == plain, "the smaller form of it is there"


@both
def test_the_smallest_form_of_each_index_is_carried(tmp_path: Path, make: Make) -> None:
    diff = chain(tmp_path, make)[0]
    carried = DiffDescription.parse((diff / "diff.yaml").read_text(), source="d").original
    assert set(carried) == {f"current/{name}" for name in index_files(diff / "current")}
    names = [name.rpartition("/")[2] for name in carried]
    assert names.count("Packages.gz") == (make is apt_repo)
    assert "Packages" not in names


def test_translations_travel_with_the_indexes(tmp_path: Path) -> None:
    folder = tmp_path / "full-2/dists/precise/main/i18n"
    write(folder / "Translation-en", "text")
    write(folder / "Translation-en.xz", lzma.compress(b"text"))
    build_view(build_chain(tmp_path, apt_repo), tmp_path / "view")
    got = [p.name for p in (tmp_path / "view/dists/precise/main/i18n").iterdir()]
    assert got == ["Translation-en.xz"]


@both
def test_packages_need_no_disk_space(tmp_path: Path, make: Make) -> None:
    roots = chain(tmp_path, make)
    result = build_view(roots, tmp_path / "view")
    files = [p for p in walk(tmp_path / "view") if p.suffix in (".deb", ".rpm")]
    assert all(p.stat().st_nlink > 1 for p in files)
    assert result.new_bytes == own_bytes(tmp_path / "view")
    copied = build_view(roots, tmp_path / "copied", DiffOptions(link=False))
    assert copied.new_bytes >= result.new_bytes + len(SAME.content)
    assert packages(tmp_path / "copied") == packages(tmp_path / "view")


@both
@with_and_without
def test_a_view_of_the_view_is_the_same(tmp_path: Path, make: Make, *, original: bool) -> None:
    roots = chain(tmp_path, make, original=original)
    build_view(roots, tmp_path / "one")
    build_view(roots, tmp_path / "other")
    build_view([tmp_path / "one"], tmp_path / "again")
    assert index_files(tmp_path / "one") == index_files(tmp_path / "other")
    assert packages(tmp_path / "again") == packages(tmp_path / "one")
    assert set(index_files(tmp_path / "again")) <= set(index_files(tmp_path / "one"))


@both
@with_and_without
def test_a_missing_base_is_named_by_its_packages(
    tmp_path: Path, make: Make, *, original: bool
) -> None:
    roots = chain(tmp_path, make, original=original)
    with pytest.raises(BundleError, match=r"^1 package\(s\) of the release, .* same ") as caught:
        build_view(roots[:2], tmp_path / "view")
    assert "has the content sha256:" in caught.value.remedy
    assert not (tmp_path / "view").exists()
    assert not list(tmp_path.glob(".view*"))


@both
def test_a_base_with_other_content_of_the_version_is_refused(tmp_path: Path, make: Make) -> None:
    roots = chain(tmp_path, make)
    other = make(tmp_path / "other", [Fake("same", content="SAME" * 5000)])
    with pytest.raises(BundleError, match=r"1 package\(s\) of the release"):
        build_view([*roots[:2], other], tmp_path / "view")


@both
def test_another_base_with_the_content_is_accepted(tmp_path: Path, make: Make) -> None:
    roots = chain(tmp_path, make)
    other = make(tmp_path / "other", [SAME, Fake("more")])
    build_view([*roots[:2], other], tmp_path / "view")
    assert held(tmp_path / "view") == held(tmp_path / "full-2")


@both
def test_a_base_with_other_kinds_of_checksums_is_read_for_them(tmp_path: Path, make: Make) -> None:
    roots = chain(tmp_path, make)
    by_md5 = checksums(make, "MD5sum" if make is apt_repo else "md5")
    other = make(tmp_path / "other", [SAME], **by_md5)
    build_view([*roots[:2], other], tmp_path / "view")
    assert packages(tmp_path / "view") == packages(tmp_path / "full-2")
    for path in packages(other):
        (other / path).unlink()
    with pytest.raises(BundleError, match=r"1 package\(s\) of the release"):
        build_view([*roots[:2], other], tmp_path / "again")


@both
@with_and_without
def test_repos_without_a_common_checksum_are_merged_by_content(
    tmp_path: Path, make: Make, *, original: bool
) -> None:
    """The checksums of diff.yaml are computed then, and of a kind that no index has."""
    one, other = ("MD5sum", "SHA1") if make is apt_repo else ("md5", "sha1")
    base = make(tmp_path / "base", RELEASES[0], **checksums(make, one))
    current = make(tmp_path / "current", RELEASES[1], **checksums(make, other))
    described = build_diff(base, current, tmp_path / "diff", DiffOptions(original=original))
    result = build_view([tmp_path / "diff", base], tmp_path / "view")
    assert packages(tmp_path / "view") == packages(current)
    assert result.fingerprint == described.result_fingerprint


def test_all_suites_of_a_base_are_looked_into(tmp_path: Path) -> None:
    roots = chain(tmp_path, apt_repo)
    other = apt_repo(tmp_path / "other", [Fake("unrelated")], suite="lucid")
    apt_repo(other, [SAME], suite="precise")
    build_view([*roots[:2], other], tmp_path / "view")
    assert held(tmp_path / "view") == held(tmp_path / "full-2")


@both
def test_a_package_that_differs_from_its_index_is_refused(tmp_path: Path, make: Make) -> None:
    roots = chain(tmp_path, make)
    (path,) = (p for p in walk(roots[2]) if p.name.startswith("same"))
    path.unlink()
    write(path, "SAME" * 5000)
    build_view(roots, tmp_path / "by size")
    with pytest.raises(BundleError, match="but the index says"):
        build_view(roots, tmp_path / "view", DiffOptions(verify_links=True))
    with pytest.raises(BundleError, match="but the index says"):
        squash(roots, tmp_path / "squashed")
    path.write_text("short")
    with pytest.raises(BundleError, match="5 bytes, but the index says"):
        build_view(roots, tmp_path / "view")


@both
def test_indexes_that_do_not_make_the_release_are_refused(tmp_path: Path, make: Make) -> None:
    """Another repo's indexes in the side folder, matched by diff.yaml."""
    roots = chain(tmp_path, make)
    path = roots[0] / "diff.yaml"
    text = path.read_text()
    before = DiffDescription.parse(text, source="d").result_fingerprint
    path.write_text(text.replace(before, "sha256:" + "0" * 64))
    with pytest.raises(BundleError, match=r"but diff\.yaml says sha256:0000"):
        build_view(roots, tmp_path / "view")


@both
def test_a_missing_original_index_is_an_error(tmp_path: Path, make: Make) -> None:
    roots = chain(tmp_path, make)
    name = DiffDescription.parse((roots[0] / "diff.yaml").read_text(), source="d").original[0]
    (roots[0] / name).unlink()
    with pytest.raises(BundleError, match=f"lists {name}, which does not exist"):
        build_view(roots, tmp_path / "view")


@pytest.mark.parametrize("name", ["/etc/passwd", "../other", "current/../../other"])
def test_a_carried_index_outside_the_repo_is_refused(tmp_path: Path, name: str) -> None:
    text = (chain(tmp_path, apt_repo)[0] / "diff.yaml").read_text()
    data = yaml.safe_load(text)
    data["original"] = [name]
    with pytest.raises(BundleError, match="outside the repo"):
        DiffDescription.parse(yaml.safe_dump(data), source="d")


def test_a_description_of_before_the_view_is_still_read(tmp_path: Path) -> None:
    data = yaml.safe_load((chain(tmp_path, apt_repo)[0] / "diff.yaml").read_text())
    del data["original"]
    assert DiffDescription.parse(yaml.safe_dump(data), source="d").original == ()


def test_two_packages_with_one_location_are_refused(tmp_path: Path) -> None:
    """The new package has the file name of the one that stays, which the current repo moved."""
    kept, new = Fake("name", content="kept"), Fake("other", content="new")
    base = apt_repo(tmp_path / "base", [kept])
    current = apt_repo(tmp_path / "current", [kept, new])
    moved = kept.location.replace("name_", "moved_")
    (current / kept.location).rename(current / moved)
    (current / new.location).rename(current / kept.location)
    packages_file = current / "dists/precise/main/binary-amd64/Packages"
    text = packages_file.read_text().replace(kept.location, moved)
    packages_file.write_text(text.replace(new.location, kept.location))
    for name in ("dists/precise/Release", "dists/precise/main/binary-amd64/Packages.gz"):
        (current / name).unlink()
    build_diff(base, current, tmp_path / "own")
    build_diff(base, current, tmp_path / "merged", DiffOptions(original=False))
    result = build_view([tmp_path / "own", base], tmp_path / "view")
    assert result.packages == 2
    with pytest.raises(BundleError, match="two packages of the release have this location"):
        build_view([tmp_path / "merged", base], tmp_path / "other")


def test_kinds_are_not_mixed_and_nothing_is_overwritten(tmp_path: Path) -> None:
    roots = chain(tmp_path / "apt", apt_repo)
    other = yum_repo(tmp_path / "yum", [SAME])
    with pytest.raises(ConfigError, match="both apt and yum repos"):
        build_view([roots[0], other], tmp_path / "view")
    with pytest.raises(ConfigError, match="exists already"):
        build_view(roots, roots[0])


@both
def test_squashing_makes_a_repo_that_needs_no_other(tmp_path: Path, make: Make) -> None:
    roots: Sequence[Path] = chain(tmp_path, make)
    squash(roots, tmp_path / "squashed")
    expected = packages(tmp_path / "full-2")
    for root in [*roots, tmp_path / "full-2"]:
        for path in packages(root):
            (root / path).unlink()
    assert packages(tmp_path / "squashed") == expected
    with pytest.raises(ConfigError, match="expected a diff repo"):
        squash([tmp_path / "squashed"], tmp_path / "again")


def test_a_successor_keeps_the_label_of_an_unsigned_diff(tmp_path: Path) -> None:
    roots: Sequence[Path] = chain(tmp_path, apt_repo)
    squash(roots, tmp_path / "squashed", succeeding(roots[0]))
    label = read_apt(roots[0]).release["Label"]
    assert read_apt(tmp_path / "squashed").release["Label"] == label
    assert held(tmp_path / "squashed") == held(tmp_path / "full-2")


def test_a_successor_of_a_signed_diff_has_the_releases_own_indexes(tmp_path: Path) -> None:
    roots: Sequence[Path] = chain(tmp_path, apt_repo)
    (release,) = roots[0].glob("dists/*/Release")
    release.with_name("InRelease").write_bytes(release.read_bytes())
    squash(roots, tmp_path / "squashed", succeeding(roots[0]))
    place = release.relative_to(roots[0])
    expected = (tmp_path / "full-2" / place).read_bytes()
    assert (tmp_path / "squashed" / place).read_bytes() == expected != release.read_bytes()
