"""The text of apt indexes, parsed and rendered."""

import hashlib
import io
import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt import stanza as deb
from fuel_upgrade.repo.apt.columns import read_columns
from fuel_upgrade.repo.apt.stanza import (
    FileSums,
    iter_texts,
    parse_package,
    render_packages,
    render_release,
    split_stanzas,
)
from fuel_upgrade.repo.package import checked_location
from tests.builders import Fake, checksum, quickly, stanza

FULL = stanza(Fake("a", "1:1.0~rc1-1"), ("MD5sum", "SHA1", "SHA256", "SHA512"))


def split(data: bytes) -> list[bytes]:
    texts = (text for part in iter_texts(io.BytesIO(data)) for text in split_stanzas(part))
    return [stanza for text in texts if (stanza := text.strip(b"\n"))]


@quickly
@given(st.integers(1, 12), st.lists(st.sampled_from([b"A: 1", b"B: 2\nC: 3"]), max_size=4))
def test_stanzas_are_split_wherever_a_chunk_ends(chunk: int, stanzas: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deb, "_CHUNK_BYTES", chunk)  # the border must be anywhere, in small data
        assert split(render_packages(stanzas)) == stanzas


@pytest.mark.parametrize(
    "data", [b"A: 1\n\nB: 2", b"\n\nA: 1\n\n\n\n\nB: 2\n", b"A: 1\n\nB: 2\n\n"]
)
def test_blank_lines_may_be_more_or_missing(data: bytes) -> None:
    assert split(data) == [b"A: 1", b"B: 2"]


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\n\n"])
def test_an_empty_index_has_no_stanzas(data: bytes) -> None:
    assert split(data) == []


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\r\n", b"\n\r\r\n", b"\r\n\n"])
def test_carriage_returns_separate_as_for_apt(end: bytes) -> None:
    one, two = (stanza(Fake(name, "1")).rstrip(b"\n") for name in "ab")
    assert split(one + end + two + end) == [one, two]


def test_a_line_of_blanks_between_entries_is_refused() -> None:
    one, two = (stanza(Fake(name, "1")).rstrip(b"\n") for name in "ab")
    with pytest.raises(ValueError, match="line of blanks"):
        split(one + b"\n \t\n" + two)
    assert len(split(one + b"\n \n more\n\n" + two)) == 2  # in a description, as apt reads it


def test_the_last_of_duplicate_fields_counts() -> None:
    text = stanza(Fake("a", "1")).rstrip(b"\n") + b"\nVersion: 2\nPackage: b"
    (merged,) = split(text)
    for parse in (parse_package, deb.parse_by_sha256):
        assert (parse(merged, source="x").name, parse(merged, source="x").version) == ("b", "2")


@pytest.mark.parametrize("name", ["version:", "VERSION:", "Version :", "vErsion\t:"])
def test_duplicate_fields_may_have_two_spellings(name: str) -> None:
    usual = stanza(Fake("a", "1"))
    for text, version in (
        (usual + f"\n{name} 2".encode(), "2"),
        (usual.replace(b"\nVersion:", f"\n{name} 2\nVersion:".encode()), "1"),
    ):
        for parse in (parse_package, deb.parse_by_sha256):
            assert parse(text, source="x").version == version
        (identity,) = read_columns(text, source="x").identities
        assert identity.split(" ")[2] == version


SHAPES = {
    "one entry": b"Tag: x\n",
    "one name after the other": b"Package: a\n",
    "values of many lines": b" x\n",
    "carriage returns": b"\r",
    "blanks": b" ",
    "lines of blanks": b"\n ",
    "empty lines": b"\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_work_for_a_hostile_index_grows_with_its_size(shape: str) -> None:
    def seconds(count: int) -> float:
        text = b"SHA256:" + SHAPES[shape] * (count // len(SHAPES[shape])) + b"\nPackage: a"
        start = time.process_time()
        with suppress(BundleError, ValueError):
            for entry in split(text):
                parse_package(entry, source="x")
        return time.process_time() - start

    small, large = (min(seconds(n) for _ in range(3)) for n in (SMALL, 16 * SMALL))
    assert large < 64 * max(small, 1e-5), "16 times the size: 16 times the work, 256 by the square"


SMALL = 4 << 10


class CountedStream(io.BytesIO):
    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


def test_reads_of_one_long_entry_double_in_size() -> None:
    def reads(chunks: int) -> int:
        stream = CountedStream(b"Tag: xx\n" * (chunks * (64 << 10) // 8))
        list(iter_texts(stream))
        return stream.reads

    assert reads(64) <= reads(16) + 2


def test_a_value_may_begin_on_the_next_line_but_has_one_line() -> None:
    text = stanza(Fake("a", "1"))
    assert parse_package(text.replace(b"Version: 1", b"Version:\n 1"), source="x").version == "1"
    with pytest.raises(BundleError, match="version"):
        parse_package(text.replace(b"Version: 1", b"Version: 1\n 2"), source="x")


def test_a_stanza_gives_a_package() -> None:
    package = parse_package(FULL, source="Packages")
    assert (package.name, package.version, package.architecture) == ("a", "1:1.0~rc1-1", "all")
    assert package.location == "pool/main/a_1:1.0~rc1-1_all.deb"
    assert package.size_bytes == len(b"content")
    kinds = ("sha256", "sha512", "sha1", "md5")
    assert package.digests == tuple((kind, checksum(kind, b"content")) for kind in kinds)
    assert str(package) == "a all 1:1.0~rc1-1"


def test_field_names_and_checksums_have_no_case() -> None:
    text = FULL.replace(b"Package:", b"PACKAGE:").replace(b"MD5sum:", b"md5Sum:  \t")
    upper = re.sub(rb"(SHA256: )(\w+)", lambda m: m[1] + m[2].upper(), text)
    assert parse_package(upper, source="") == parse_package(FULL, source="")


def test_lines_of_a_description_are_no_fields() -> None:
    text = FULL + b"\nDescription-en: x\n Package: y\n Size: 3\n"
    assert parse_package(text, source="") == parse_package(FULL, source="")


@pytest.mark.parametrize("field", ["Package", "Version", "Architecture", "Filename", "Size"])
def test_a_missing_field_is_named(field: str) -> None:
    text = re.sub(rf"^{field}:.*\n".encode(), b"", FULL, flags=re.MULTILINE)
    with pytest.raises(
        BundleError, match=f"Packages: the entry .* lacks or garbles '{field.lower()}'"
    ):
        parse_package(text, source="Packages")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Size: 7", b"Size: 7x"),
        (b"Size: 7", b"Size: -7"),
        (b"Size: 7", b"Size: 7_0"),
        (b"Size: 7", b"Size: " + b"9" * 19),
        (b"Package: a", b"Package: \xff"),
        (b"Package: a", b"Package: a b"),
        (b"Package: a", b"Package: "),
        (b"SHA256: ", b"SHA256: a b"),
        (b"SHA256: ", b"SHA256: ../"),
        (b"SHA256: ", b"SHA256: \xce\x99"),
        (b"Package: a", b"Package: a\x1b[2J"),
        (b"Version: 1", b"Version: 1\0"),
        (b"Architecture: ", b"Architecture: \x7f"),
        (b"Package: a", "Package: a\u202e".encode()),
    ],
)
def test_a_garbled_field_is_refused(old: bytes, new: bytes) -> None:
    for parse in (parse_package, deb.parse_by_sha256):
        assert old in FULL
        with pytest.raises(BundleError, match="lacks or garbles"):
            parse(FULL.replace(old, new), source="")


@pytest.mark.parametrize("new", [b"SHA256: AB", b"SHA256: ab\nFilename\x0c: b"])
def test_all_parsers_read_unusual_values_alike(new: bytes) -> None:
    text = re.sub(rb"SHA256: .*", lambda _: new, FULL)
    package = parse_package(text, source="")
    fast = deb.parse_by_sha256(text, source="")
    assert (fast.identity("sha256"), fast.location) == (
        package.identity("sha256"),
        package.location,
    )


def test_an_empty_checksum_is_none() -> None:
    text = re.sub(rb"SHA256: .*", b"SHA256: ", FULL)
    assert "sha256" not in dict(parse_package(text, source="").digests)
    with pytest.raises(KeyError):
        deb.parse_by_sha256(text, source="")


def test_a_checksum_without_a_value_is_none() -> None:
    text = re.sub(rb"(SHA256|MD5sum|SHA512): .*", rb"\1:", FULL)
    assert [kind for kind, _ in parse_package(text, source="").digests] == ["sha1"]


@pytest.mark.parametrize("location", ["/etc/x", "../x", "a/../../x", "..", "", "./../x"])
def test_a_location_outside_the_repo_is_refused(location: str) -> None:
    with pytest.raises(BundleError, match="outside the repo"):
        checked_location(location, source="")
    text = re.sub(rb"Filename:.*", b"Filename: " + location.encode(), FULL)
    with pytest.raises(BundleError, match="outside the repo"):
        parse_package(text, source="")


@pytest.mark.parametrize(
    "location", ["./pool/a.deb", "pool//a.deb", "pool/x/../a.deb", "pool/a.deb"]
)
def test_a_location_inside_is_normalised(location: str) -> None:
    assert checked_location(location, source="") == "pool/a.deb"


def test_a_release_lists_every_file_with_its_sums_and_size() -> None:
    files = {"main/binary-amd64/Packages": b"abc", "main/binary-amd64/Packages.gz": b""}
    sums = {path: FileSums.of(data) for path, data in files.items()}
    text = render_release({"Origin": "Fuel", "Label": "x"}, sums).decode()
    assert text.startswith("Origin: Fuel\nLabel: x\nMD5Sum:\n")
    for field, algorithm in (("MD5Sum", "md5"), ("SHA1", "sha1"), ("SHA256", "sha256")):
        block = re.search(rf"^{field}:\n((?: .*\n)+)", text, re.MULTILINE)
        assert block is not None
        assert [tuple(line.split()) for line in block[1].splitlines()] == [
            (hashlib.new(algorithm, data).hexdigest(), str(len(data)), path)
            for path, data in files.items()
        ]
