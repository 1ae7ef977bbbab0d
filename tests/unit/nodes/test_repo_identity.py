"""The identity of a repo, from disk and from faulty servers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.nodes.apt_policy import AptPolicy
from fuel_upgrade.nodes.repo_files import RemoteRepo
from fuel_upgrade.nodes.repo_identity import fetch_identity, parse_identity
from fuel_upgrade.nodes.sources import NodeSource
from tests.clock import Clock
from tests.servers import Handler, Server, serving

RELEASE = "Origin: Fuel\nLabel: fuel-diff-abc\nSuite: precise\nSHA256:\n 00ff 12 main/Packages\n"
CLEARSIGNED = (
    f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{RELEASE}"
    "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"
)
CLOCK = Clock()


def apt_repo(root: Path, **files: str) -> NodeSource:
    """Make ``dists/precise`` of these files; ``_`` in a name is a dot."""
    folder = root / "dists/precise"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return NodeSource("repo", f"file://{root}", "precise", ("main",))


def test_label_and_origin_are_read_from_a_release() -> None:
    assert parse_identity(RELEASE) == ("fuel-diff-abc", "Fuel")


def test_label_and_origin_are_read_from_a_clear_signed_release() -> None:
    assert parse_identity(CLEARSIGNED) == ("fuel-diff-abc", "Fuel")


def test_missing_fields_are_empty() -> None:
    assert parse_identity("Suite: precise\n") == ("", "")


def test_a_folded_label_is_one_line() -> None:
    assert parse_identity("Label: a\n  b\n\tc\n") == ("a b c", "")


@pytest.mark.parametrize(
    "text", ["", "<!DOCTYPE html>\n<title>Login: here</title>\n", '{"label": "x"}']
)
def test_a_text_without_fields_of_a_release_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no fields of a Release"):
        parse_identity(text)


@pytest.mark.parametrize(
    ("fields", "priority"),
    [
        ("", 500),
        ("NotAutomatic: yes", 1),
        ("notautomatic: TRUE", 1),
        ("NotAutomatic: 1\nButAutomaticUpgrades: no", 1),
        ("NotAutomatic: no", 500),
        ("NotAutomatic: maybe", 500),
        ("NotAutomatic: on\nButAutomaticUpgrades: on", 100),
        ("ButAutomaticUpgrades: yes", 100),
    ],
)
def test_the_priority_is_that_of_apt(tmp_path: Path, fields: str, priority: int) -> None:
    """As ``apt-cache policy`` of apt 2.6, 3.0 and 3.3 shows it."""
    release = f"Suite: precise\n{fields}\nSHA256:\n"
    source = fetch_identity(apt_repo(tmp_path, Release=release), timeout_s=60)
    assert source.policy.priority == priority


def test_dates_are_read_from_a_release(tmp_path: Path) -> None:
    text = "Date: Sat, 01 Nov 2014 10:00:00 UTC\nValid-Until: Sun, 02 Nov 2014 00:00:00 UTC\n"
    policy = fetch_identity(apt_repo(tmp_path, Release=text), timeout_s=60).policy
    assert policy == AptPolicy(500, expires=True, date=datetime(2014, 11, 1, 10, tzinfo=UTC))


def test_a_date_without_a_known_zone_is_utc(tmp_path: Path) -> None:
    text = "Suite: p\nDate: Sat, 01 Nov 2014 10:00:00 -0000\n"
    policy = fetch_identity(apt_repo(tmp_path, Release=text), timeout_s=60).policy
    assert policy.date == datetime(2014, 11, 1, 10, tzinfo=UTC)


def test_a_date_that_is_none_is_ignored(tmp_path: Path) -> None:
    text = "Suite: p\nDate: yesterday\n"
    assert fetch_identity(apt_repo(tmp_path, Release=text), timeout_s=60).policy == AptPolicy()


def test_a_release_alone_is_unsigned(tmp_path: Path) -> None:
    source = fetch_identity(apt_repo(tmp_path, Release=RELEASE), timeout_s=60)
    assert (source.label, source.origin, source.signed) == ("fuel-diff-abc", "Fuel", False)


def test_a_detached_signature_makes_it_signed(tmp_path: Path) -> None:
    requested = apt_repo(tmp_path, Release=RELEASE, Release_gpg="x")
    assert fetch_identity(requested, timeout_s=60).signed


def test_an_inrelease_comes_before_a_release(tmp_path: Path) -> None:
    requested = apt_repo(tmp_path, InRelease=CLEARSIGNED, Release="Label: other\n")
    source = fetch_identity(requested, timeout_s=60)
    assert (source.label, source.signed) == ("fuel-diff-abc", True)


def test_a_repo_without_release_but_with_an_index_has_no_label(tmp_path: Path) -> None:
    requested = apt_repo(tmp_path)
    index = tmp_path / "dists/precise/main/binary-amd64/Packages.gz"
    index.parent.mkdir(parents=True)
    index.touch()
    assert fetch_identity(requested, timeout_s=60) == requested


def test_a_folder_that_is_no_apt_repo_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match=r"no repo at .*dists/precise/Release") as caught:
        fetch_identity(apt_repo(tmp_path), timeout_s=60)
    assert "repo repo" in caught.value.remedy


def test_a_page_in_place_of_a_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="is not a Release"):
        fetch_identity(apt_repo(tmp_path, Release="<html>"), timeout_s=60)


def test_a_yum_repo_is_identified_by_its_repomd(tmp_path: Path) -> None:
    requested = NodeSource("repo", f"file://{tmp_path}/a%20b/", None, ())
    with pytest.raises(OutsideError, match=r"no repodata/repomd\.xml"):
        fetch_identity(requested, timeout_s=60)
    (tmp_path / "a b/repodata").mkdir(parents=True)
    (tmp_path / "a b/repodata/repomd.xml").touch()
    assert fetch_identity(requested, timeout_s=60) == requested


def test_an_unreadable_repo_is_named(tmp_path: Path) -> None:
    requested = apt_repo(tmp_path)
    (tmp_path / "dists/precise/InRelease").mkdir()
    with pytest.raises(OutsideError, match="InRelease cannot be read: "):
        fetch_identity(requested, timeout_s=60)


class Misbehaving(Handler):
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        if self.path.startswith("/broken"):
            self.send_error(503, "tired")
            return
        self.send_response(200)
        self.end_headers()
        if self.path.startswith("/endless"):
            self.wfile.write(RELEASE.encode() + b" 00ff 12 main/Packages\n" * 10_000)
        while self.path.startswith("/drip"):  # until the client leaves, which raises OSError
            self.wfile.write(b"Label: x\n" * 8_000)
            CLOCK.advance(10)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(Server(Misbehaving)) as made:
        yield made.url


def test_a_servers_error_is_not_an_absent_file(server: str) -> None:
    requested = NodeSource("repo", f"{server}/broken", "precise", ("main",))
    with pytest.raises(OutsideError, match=r"/broken/dists/precise/InRelease cannot be read: 503"):
        fetch_identity(requested, timeout_s=60)


def test_an_endless_response_hits_the_size_limit(server: str) -> None:
    remote = RemoteRepo(f"{server}/endless", CLOCK() + 60, monotonic=CLOCK)
    with pytest.raises(OutsideError, match="InRelease is longer than 1000 bytes"):
        remote.read("dists/precise/InRelease", limit_bytes=1000)


def test_a_slow_server_hits_the_time_limit(server: str) -> None:
    remote = RemoteRepo(f"{server}/drip", CLOCK() + 60, monotonic=CLOCK)
    with pytest.raises(OutsideError, match="no complete response in the allowed time"):
        remote.read("dists/precise/InRelease", limit_bytes=1 << 30)


def test_a_missing_server_is_an_error(server: str) -> None:
    requested = NodeSource("repo", "http://127.0.0.1:1/x", None, ())
    with pytest.raises(OutsideError, match=r"http://127\.0\.0\.1:1/x/repodata/repomd\.xml"):
        fetch_identity(requested, timeout_s=60)
