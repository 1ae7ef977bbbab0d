"""Release and InRelease, as python-debian reads them."""

from pathlib import Path

import pytest

from fuel_upgrade.repo.apt.release_file import ReleaseFile, parse_release, read_release
from fuel_upgrade.repo.apt.stanza import FileSums

RELEASE = (
    "Origin: Fuel\nLabel: fuel-diff-abc\nDescription: a\n  folded text\n"
    "MD5Sum:\n 0a 12 main/Packages\n 0b 9 main/Packages.gz\nSHA256:\n 00FF 12 main/Packages\n"
)
CLEARSIGNED = (
    f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{RELEASE}"
    "-----BEGIN PGP SIGNATURE-----\nVersion: 1\n\niQEz\n-----END PGP SIGNATURE-----\n"
)


@pytest.mark.parametrize("text", [RELEASE, CLEARSIGNED])
def test_the_signature_is_no_part_of_the_fields(text: str) -> None:
    assert list(parse_release(text)) == ["Origin", "Label", "Description", "MD5Sum", "SHA256"]


@pytest.mark.parametrize(("name", "text"), [("Release", RELEASE), ("InRelease", CLEARSIGNED)])
def test_every_checksum_of_each_file_is_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_release(tmp_path) == ReleaseFile(
        {"Origin": "Fuel", "Label": "fuel-diff-abc"},
        {
            "main/Packages": FileSums(12, {"md5": "0a", "sha256": "00ff"}),
            "main/Packages.gz": FileSums(9, {"md5": "0b"}),
        },
    )


@pytest.mark.parametrize("text", ["", "\n\n", "<html>\n"])
def test_a_text_without_fields_lists_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "Release").write_text(text)
    assert read_release(tmp_path) == ReleaseFile()


def test_a_suite_without_release_lists_nothing(tmp_path: Path) -> None:
    assert read_release(tmp_path) == ReleaseFile()


def test_inrelease_precedes_release(tmp_path: Path) -> None:
    (tmp_path / "InRelease").write_text(CLEARSIGNED)
    (tmp_path / "Release").write_text("Label: other\n")
    assert read_release(tmp_path).fields["Label"] == "fuel-diff-abc"
