"""The indexes of an apt repo beside ``Packages``: listed, and filtered as text."""

from pathlib import Path

import pytest

from fuel_upgrade.repo.apt.other_indexes import (
    description_md5,
    filter_contents,
    filter_translations,
    find_extras,
)
from tests.builders import checksum, write

KEY = b"0123456789abcdef0123456789abcdef"


def test_every_index_is_listed_once_whatever_its_forms(tmp_path: Path) -> None:
    for name in (
        "Contents-amd64.gz",
        "main/Contents-i386",
        "main/Contents-source.gz",
        "main/Contents-udeb-amd64.gz",
        "main/i18n/Translation-en.bz2",
        "main/i18n/Translation-en.xz",
        "main/i18n/Translation-sr.latin",
        "main/i18n/Index",
        "main/debian-installer/binary-amd64/Packages.gz",
        "main/debian-installer/binary-amd64/Release",
        "main/source/Sources",
        "main/source/Release",
        "main/binary-amd64/Packages.gz",
    ):
        write(tmp_path / name, b"")
    assert [str(extra) for extra in find_extras(tmp_path, ["main", "universe"])] == [
        "contents Contents-amd64",
        "contents main/Contents-i386",
        "sources main/Contents-source",
        "sources main/source/Sources",
        "translations main/i18n/Translation-en",
        "translations main/i18n/Translation-sr.latin",
        "udebs main/Contents-udeb-amd64",
        "udebs main/debian-installer/binary-amd64/Packages",
    ]


def test_a_stanza_tells_its_key_or_has_its_description() -> None:
    assert description_md5(b"Package: a\ndescription-MD5:  ABC\nSize: 1") == b"abc"
    text = b"a package\n of two\n .\n lines"
    stanza = b"Package: a\nDescription: " + text + b"\nSize: 1"
    assert description_md5(stanza).decode() == checksum("md5", text + b"\n")


def test_translations_are_kept_by_key() -> None:
    kept = b"Package: a\nDescription-md5: " + KEY.upper() + b"\nDescription-de: x\n y"
    other = b"Package: b\nDescription-md5: 00\nDescription-de: z"
    batches = [[b"\n" + kept, other], [b"", b"Package: c"]]
    assert list(filter_translations(batches, {KEY})) == [kept + b"\n\n"]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b"usr/bin/x  net/a\n", [b"usr/bin/x net/a\n"]),
        (b"usr/bin/with space\tuniverse/net/a,b,net/c\n", [b"usr/bin/with space universe/net/a\n"]),
        (b"usr/bin/x net/ab\n", []),
        (b"\n", []),
    ],
)
def test_contents_are_kept_by_the_last_part_of_the_place(line: bytes, kept: list[bytes]) -> None:
    assert list(filter_contents([line], {b"a"})) == kept


def test_the_prose_of_old_contents_is_no_line() -> None:
    lines = [b"This file maps each\n", b"FILE   LOCATION\n", b"bin/x a\n", b"bin/y each\n"]
    assert list(filter_contents(lines, {b"a"})) == [b"bin/x a\n"]
    assert list(filter_contents(lines[:2], {b"each"})) == []
