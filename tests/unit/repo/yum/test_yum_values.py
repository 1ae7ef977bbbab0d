"""Values in the metadata of a yum repo that no honest writer writes."""

import re
from pathlib import Path

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.yum.repo import YumRepo
from tests.builders import Fake, yum_repo
from tests.yum_extras import rewrite

PRIMARY = {
    "an escape in a name": (r"<name>a", "<name>\u009b2J", "entry 1: .* has a control character"),
    "a line break in a name": (r"<name>b", "<name>b&#10;", "entry 2: .* has a control character"),
    "a space in a version": (r'ver="[^"]*"', 'ver="1 2"', "entry 1: a has a space"),
    "a negative size": (r'package="\d+"', 'package="-1"', "entry 1: a has -1 bytes"),
    "a size of 40 digits": (r'package="\d+"', f'package="{"9" * 40}"', "entry 1: a has 9"),
    "a path as a checksum": (r'pkgid="YES">', 'pkgid="YES">../', "no hexadecimal number"),
    "a location with an escape": (r'href="', 'href="\u009b', "entry 1: the location"),
    "a lower count": (r'packages="2"', 'packages="1"', "packages='1', but it lists 2"),
    "a higher count": (r'packages="2"', 'packages="3"', "packages='3', but it lists 2"),
    "a negative count": (r'packages="2"', 'packages="-2"', "packages='-2', but it lists 2"),
}
REPOMD = {
    "a lower open size": (r"<open-size>\d+", "<open-size>7", "but repomd.xml says 7"),
    "a negative open size": (r"<open-size>\d+", "<open-size>-7", "primary has a negative size"),
    "a negative size": (r"<size>\d+", "<size>-7", "primary has a negative size"),
}


def packages_of(repo: YumRepo) -> int:
    return len(repo.packages) if repo.text is None else len(repo.text.files)


@pytest.mark.parametrize(("usual", "other", "fault"), PRIMARY.values(), ids=PRIMARY)
def test_an_entry_with_such_a_value_is_refused(
    tmp_path: Path, usual: str, other: str, fault: str
) -> None:
    yum_repo(tmp_path, [Fake("a"), Fake("b")])
    rewrite(tmp_path, {}, edits={"primary": lambda text: _edited(text, usual, other)})
    with pytest.raises(BundleError, match=f"primary.xml.gz.*{fault}"):
        packages_of(YumRepo.open(tmp_path))


@pytest.mark.parametrize("checksum", ["", "<open-checksum[^>]*>[^<]*</open-checksum>"])
@pytest.mark.parametrize(("usual", "other", "fault"), REPOMD.values(), ids=REPOMD)
def test_a_size_that_lies_is_refused_also_without_a_checksum_of_the_content(
    tmp_path: Path, checksum: str, usual: str, other: str, fault: str
) -> None:
    yum_repo(tmp_path, [Fake("a")])
    path = tmp_path / "repodata/repomd.xml"
    text = re.sub(checksum, "", path.read_text()) if checksum else path.read_text()
    path.write_text(_edited(text, usual, other))
    with pytest.raises(BundleError, match=fault):
        packages_of(YumRepo.open(tmp_path))


def test_a_primary_without_a_count_is_read(tmp_path: Path) -> None:
    yum_repo(tmp_path, [Fake("a")])
    rewrite(tmp_path, {}, edits={"primary": lambda text: _edited(text, ' packages="1"', "")})
    assert packages_of(YumRepo.open(tmp_path)) == 1


def _edited(text: str, usual: str, other: str) -> str:
    edited = re.sub(usual, lambda _: other, text, count=1)
    assert edited != text
    return edited
