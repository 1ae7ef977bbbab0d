"""Entries that are read at once are those that are read one by one, whatever their form."""

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt import columns as module
from fuel_upgrade.repo.apt.columns import Columns, read_columns
from fuel_upgrade.repo.apt.stanza import parse_by_sha256
from fuel_upgrade.repo.package import Package
from tests.builders import Fake, stanza

ONE, TWO = (stanza(Fake(name, "1")).strip(b"\n") for name in "ab")
UNUSUAL = {
    "another spelling": (b"Version: 1", b"version: 1"),
    "a blank before the colon": (b"Version: 1", b"Version : 1"),
    "a second version": (b"Size: ", b"Version: 2\nSize: "),
    "a second version in another spelling": (b"Size: ", b"VERSION: 2\nSize: "),
    "two blanks": (b"Version: 1", b"Version:  1"),
    "a blank behind": (b"Version: 1", b"Version: 1 "),
    "a checksum in capitals": (b"SHA256: ", b"SHA256: A"),
    "a hidden folder": (b"Filename: ", b"Filename: ./"),
    "an empty part": (b"Filename: ", b"Filename: x//"),
    "a letter beyond ASCII": (b"Version: 1", "Version: 1é".encode()),
    "another first field": (b"Package: ", b"Source: x\nPackage: "),
    "another order": (b"Version: 1\nArchitecture: all", b"Architecture: all\nVersion: 1"),
}
REFUSED = {
    "two lines": (b"Version: 1", b"Version: 1\n 2"),
    "no version": (b"Version: 1\n", b""),
    "a size of letters": (b"Size: ", b"Size: x"),
    "a plus sign": (b"Size: ", b"Size: +"),
    "a very long size": (b"Size: ", b"Size: " + b"1" * 5000),
    "a file outside": (b"Filename: ", b"Filename: ../"),
    "a space in a version": (b"Version: 1", b"Version: 1 2"),
    "no package": (b"Package: ", b"Packages: "),
    "an escape in a name": (b"Package: ", b"Package: \x1b[2J"),
    "a NUL in a version": (b"Version: 1", b"Version: 1\0"),
    "a change of direction in a file name": (b"Filename: ", "Filename: \u202e".encode()),
    "a control character in a file name": (b"Filename: ", b"Filename: \x07"),
    "a path as a checksum": (b"SHA256: ", b"SHA256: ../"),
}


def packages_of(columns: Columns) -> list[Package]:
    return list(columns.packages([True] * len(columns.identities)))


@pytest.mark.parametrize(("usual", "other"), UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_entries_are_read_as_alone(usual: bytes, other: bytes) -> None:
    changed = ONE.replace(usual, other)
    assert changed != ONE
    for texts in ((ONE, changed), (changed, TWO), (changed, changed)):
        expected = [parse_by_sha256(text, source="x") for text in texts]
        assert packages_of(read_columns(b"\n\n".join(texts), source="x")) == expected


@pytest.mark.parametrize(("usual", "other"), REFUSED.values(), ids=REFUSED)
def test_malformed_entries_are_refused_among_usual_ones(usual: bytes, other: bytes) -> None:
    changed = ONE.replace(usual, other)
    assert changed != ONE
    for texts in ((ONE, changed), (changed, TWO)):
        with pytest.raises(BundleError, match=f"^x, entry {8 + texts.index(changed)}: "):
            read_columns(b"\n\n".join(texts), source="x", before=7)


def test_an_entry_without_sha256_is_reported_among_usual_ones() -> None:
    with pytest.raises(KeyError):
        read_columns(b"\n\n".join((ONE, TWO.replace(b"SHA256", b"SHA512"))), source="x")


@pytest.mark.parametrize("between", [b"\n\n", b"\n\n\n", b"\n\n\n\n"])
def test_extra_empty_lines_do_not_count(between: bytes) -> None:
    text = between.join((b"", ONE, TWO, b""))
    assert [p.name for p in packages_of(read_columns(text, source="x"))] == ["a", "b"]


def test_usual_entries_are_not_parsed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(module, "parse_by_sha256")  # a call would fail
    assert len(read_columns(b"\n\n".join((ONE, TWO)), source="x").identities) == 2


def test_no_entries_are_no_columns() -> None:
    assert packages_of(read_columns(b"\n", source="x")) == []
