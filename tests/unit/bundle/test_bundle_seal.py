"""The seal is TUF targets metadata; the descriptions in a tarball."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Targets  # type: ignore[attr-defined] # re-exported silently

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.manifest import RepoPart, UpgradeDescription
from fuel_upgrade.bundle.seal import SealedFile, SealedFiles, parse_seal, render_seal
from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.system.archive import path_fault
from tests.builders import quickly

HASH = "ab" * 32
FILES = {
    "upgrade.sh": SealedFile(1, HASH, executable=True),
    "a/b": SealedFile(0, HASH),
    "a/link": SealedFile(3, HASH, link_target="b"),
}
sealed_files = st.builds(
    SealedFile,
    st.integers(0, 1 << 60),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.booleans(),
    st.none() | st.text(st.characters(codec="utf-8"), min_size=1),
)


@quickly
@given(st.dictionaries(st.text(min_size=1).filter(lambda p: not path_fault(p)), sealed_files))
def test_a_seal_is_read_as_it_was_written(files: dict[str, SealedFile]) -> None:
    assert parse_seal([render_seal(files)], source="t.tar") == files


def test_a_seal_is_tuf_targets_metadata() -> None:
    metadata = Metadata[Targets].from_bytes(render_seal(FILES))
    assert metadata.signed.type == "targets"
    assert metadata.signed.version == 1
    assert metadata.signed.targets["a/b"].hashes == {"sha256": HASH}
    assert metadata.signed.targets["upgrade.sh"].custom == {"executable": True}
    assert not metadata.signatures


def test_a_seal_does_not_depend_on_the_order_of_files() -> None:
    assert render_seal(dict(reversed(FILES.items()))) == render_seal(FILES)


def test_files_out_of_order_are_refused() -> None:
    data = json.loads(render_seal(FILES))
    data["signed"]["targets"] = dict(reversed(data["signed"]["targets"].items()))
    with pytest.raises(BundleError, match="out of order"):
        parse_seal([json.dumps(data).encode()], source="t.tar")


@quickly
@given(st.dictionaries(st.text(), sealed_files), st.data())
def test_sealed_files_are_as_a_dict(files: dict[str, SealedFile], data: st.DataObject) -> None:
    sealed = SealedFiles.of(files)
    assert list(sealed) == sorted(files)
    for path in data.draw(st.lists(st.sampled_from(["", "a", *files]) | st.text())):
        assert sealed.get(path) == files.get(path)
        assert (path in sealed) == (path in files)


def test_a_sealed_file_takes_a_fourth_of_the_memory_of_objects() -> None:
    count = 2_000
    seal = render_seal(
        {f"a/folder/of/files/{n:040}": SealedFile(5_000 + n, HASH) for n in range(count)}
    )
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        files = parse_seal([seal], source="t.tar")
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(files) == count
    assert (after - before) / count < 150


def altered(path: tuple[str, ...], value: Any) -> bytes:
    data = json.loads(render_seal(FILES))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(data).encode()


SIGNATURE = {"keyid": "4f21", "sig": "00"}


def python_tuf_accepts(data: bytes) -> bool:
    try:
        Metadata[Targets].from_dict(json.loads(data))
    except (RepositoryError, ValueError, TypeError, LookupError, AttributeError):
        return False
    return True


@pytest.mark.parametrize(
    ("path", "value", "is_valid"),
    [
        (("signed", "_type"), "snapshot", False),
        (("signed", "version"), 2, True),
        (("signed", "version"), 0, False),
        (("signed", "version"), "1", False),
        (("signed", "spec_version"), "1.0.99", True),
        (("signed", "spec_version"), "2.0.0", False),
        (("signed", "spec_version"), 1, False),
        (("signed", "expires"), "2030-01-02T03:04:05Z", True),
        (("signed", "expires"), "2030-01-02", False),
        (("signed", "expires"), None, False),
        (("signed", "further"), [1], True),
        (("further",), [1], True),
        (("signatures",), [SIGNATURE], True),
        (("signatures",), [SIGNATURE, SIGNATURE], False),
        (("signatures",), [{"keyid": "4f21"}], False),
        (("signatures",), [5], False),
        (("signatures",), 5, False),
        (("signed", "delegations"), {}, False),
    ],
)
def test_the_envelope_is_checked_as_by_python_tuf(
    path: tuple[str, ...],
    value: Any,
    is_valid: bool,  # noqa: FBT001
) -> None:
    data = altered(path, value)
    assert python_tuf_accepts(data) == is_valid
    if is_valid:
        assert parse_seal([data], source="t.tar") == FILES
        return
    with pytest.raises(BundleError, match=r"t\.tar: the seal is malformed"):
        parse_seal([data], source="t.tar")


TARGET = ("signed", "targets", "a/b")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        altered(("signed", "_type"), "root"),
        altered(("signed", "targets"), []),
        altered((*TARGET, "length"), -1),
        altered((*TARGET, "hashes"), {}),
        altered((*TARGET, "hashes"), {"md5": "00"}),
        altered((*TARGET, "custom"), ["executable"]),
        altered(TARGET, 5),
        altered((*TARGET, "length"), float("nan")),
        altered((*TARGET, "x"), float("inf")),
        altered(("signed", "x"), float("nan")),
        render_seal(FILES).replace(b'"length":', b'"length":0,"length":', 1),
        render_seal(FILES).replace(b'"sha256":', b'"sha256":"","sha256":', 1),
        render_seal(FILES).replace(b'"signed":', b'"signed":{},"signed":', 1),
    ],
)
def test_a_malformed_seal_is_refused(data: bytes) -> None:
    with pytest.raises(BundleError, match=r"t\.tar: the seal is malformed"):
        parse_seal([data], source="t.tar")


@pytest.mark.parametrize("name", ["signed", "targets", "a/b"])
def test_a_name_that_occurs_twice_is_refused(name: str) -> None:
    data = render_seal(FILES)
    entry = json.dumps(json.loads(data)["signed"]["targets"]["a/b"])
    value = {"signed": "{}", "targets": "{}", "a/b": entry}[name].encode()
    twice = data.replace(
        b'"%b":' % name.encode(), b'"%b":%b,"%b":' % (name.encode(), value, name.encode())
    )
    with pytest.raises(BundleError, match=r"t\.tar: the seal is malformed"):
        parse_seal([twice], source="t.tar")


PART = RepoPart(
    version="2014.2-6.0", os_key="ubuntu", kind=RepoKind.APT, suite="precise",
    components=("main", "universe"), packages=2, size_bytes=3, full_packages=4,
    full_size_bytes=5, base="2014.1.1-5.1",
)  # fmt: skip
YUM = RepoPart("2014.2-6.0", "centos", RepoKind.YUM, None, (), 1, 1, 1, 1, None)
DESCRIPTION = UpgradeDescription(("5.1", "5.1.1"), (PART, YUM))


def test_a_description_is_read_as_it_was_written() -> None:
    assert UpgradeDescription.parse(DESCRIPTION.render(), source="") == DESCRIPTION


def test_a_part_knows_its_places() -> None:
    assert PART.folder == "upgrade/repos/2014.2-6.0/ubuntu/x86_64"
    assert PART.place == "2014.2-6.0/ubuntu/x86_64"
    assert (PART.location_suffix, YUM.location_suffix) == (" precise main universe", "")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("format: 1", "format: 3", "format 3, expected 1 or 2"),
        ("version: 2014.2-6.0", "version: ../../etc", "malformed"),
        ("version: 2014.2-6.0", "version: .", "malformed"),
        ("version: 2014.2-6.0", "version: 6.0", "malformed"),
        ("operating_system: ubuntu", "operating_system: a/b", "malformed"),
        ("version: 2014.2-6.0", "version: release_versions", "malformed"),
        ("base: 2014.1.1-5.1", "base: modules", "malformed"),
        ("- '5.1'", "- version.yaml", "malformed"),
        ("- '5.1'\n", "  '5.1': yes\n", "malformed"),
        ("kind: apt", "kind: cargo", "malformed"),
        ("kind: apt", "kind: yum", "malformed"),
        ("suite: precise", "suite: null", "malformed"),
        ("suite: precise", "suite: a b", "malformed"),
        ("suite: precise", "suite: '[trusted=yes]'", "malformed"),
        ("suite: precise", "suite: ../precise", "malformed"),
        ("suite: precise", "suite: a/../b", "malformed"),
        ("suite: precise", 'suite: "a\\nb"', "malformed"),
        ("- universe", "- main [x]", "malformed"),
        ("- universe", "- 5", "malformed"),
        ("- universe", '- "\\e[2J"', "malformed"),
        ("packages: 2", "packages: -2", "malformed"),
        ("packages: 2", "packages: 1e99", "malformed"),
        ("packages: 2", "packages: true", "malformed"),
        ("packages: 2", "packages: 5", "malformed"),
        ("bytes: 3", "bytes: 99999999999999999999", "malformed"),
        ("bytes: 3", "bytes: 6", "malformed"),
        ("packages: 2", "packages: many", "malformed"),
        ("packages: 2", "pakages: 2", "malformed"),
        ("format: 1", "format: [", "malformed YAML"),
    ],
)
def test_a_malformed_description_is_refused(old: str, new: str, what: str) -> None:
    text = DESCRIPTION.render()
    assert old in text
    with pytest.raises(BundleError, match=f"u.yaml: {what}"):
        UpgradeDescription.parse(text.replace(old, new), source="u.yaml")


@pytest.mark.parametrize("text", ["", "[]", "5", "format: 1\nupgrade_from: 5\nrepos: []"])
def test_a_description_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match="malformed"):
        UpgradeDescription.parse(text, source="u.yaml")


def test_a_fuel_version_is_a_quoted_name() -> None:
    text = 'VERSION: {release: "6.0.1", api: "1.0"}'
    assert manifest.parse_fuel_version(text, source="") == "6.0.1"
    for wrong in ("", "VERSION: {}", "VERSION: {release: 6.0}", "VERSION: {release: a/b}", "[1]"):
        with pytest.raises(BundleError, match=r"v\.yaml: expected VERSION"):
            manifest.parse_fuel_version(wrong, source="v.yaml")


REPO = "upgrade/repos/6.0/ubuntu/x86_64"
PUPPET = "upgrade/puppet/6.0"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("upgrade/seal/targets.json", True),
        ("upgrade/config/version.yaml", True),
        ("upgrade/releases/metadata.yaml", True),
        ("upgrade/release_versions/6.0.yaml", True),
        ("upgrade.sh", True),
        (f"{REPO}/diff.yaml", True),
        (f"{REPO}/pool/diff.yaml", False),
        (f"{REPO}/pool/a.deb", False),
        (f"{PUPPET}/diff.yaml", False),
        ("upgrade", False),
    ],
)
def test_the_head_is_the_small_files(path: str, expected: bool) -> None:  # noqa: FBT001
    assert manifest.is_head(path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{REPO}/pool/a.deb", REPO),
        (f"{REPO}/diff.yaml", REPO),
        (REPO, None),
        (f"{PUPPET}/modules/a", PUPPET),
        (PUPPET, None),
        ("upgrade/config/version.yaml", None),
    ],
)
def test_a_unit_is_the_folder_that_is_switched(path: str, expected: str | None) -> None:
    assert manifest.unit_of(path) == expected


@pytest.mark.parametrize("target", ["b", "./b", "../x", "../../modules/x", ".."])
def test_a_link_within_its_unit_is_fine(target: str) -> None:
    assert manifest.link_stays_inside(f"{PUPPET}/modules/a/link", target)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (f"{PUPPET}/modules/link", "../../x"),
        (f"{PUPPET}/modules/link", "../../7.0/modules"),
        (f"{PUPPET}/link", "/etc/passwd"),
        (f"{PUPPET}/link", "modules/../../6.0x"),
        (f"{PUPPET}/link", "modules/../modules"),
        ("upgrade/config/link", "version.yaml"),
        (PUPPET, "modules"),
    ],
)
def test_a_link_out_of_its_unit_is_not(path: str, target: str) -> None:
    assert not manifest.link_stays_inside(path, target)
