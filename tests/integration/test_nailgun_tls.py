"""The client and TLS: verification, errors about bad certificates, and proxies."""

import errno
import logging
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.transport import check_ca_file
from tests.misbehaving import PASSWORD, TOKEN, BadNailgun, bad_nailgun, begins, refusal, says
from tests.servers import Handler, Server, serving

PROXY_PASSWORD = "unmistakable-proxy-password"


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """See to it that no log of ours or of a library has a secret, whatever the test does."""
    caplog.set_level(logging.DEBUG)
    yield
    for secret in (TOKEN, PASSWORD, PROXY_PASSWORD):
        assert secret not in caplog.text


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return path


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


def client(bad: BadNailgun, ca_file: Path | None, **settings: str) -> NailgunClient:
    base = NailgunSettings(
        url=f"https://127.0.0.1:{bad.port}",
        password=PASSWORD,
        timeout_s=60,
        retries=2,
        ca_file=ca_file,
    )
    return NailgunClient(replace(base, **settings))  # type: ignore[arg-type]


def test_a_certificate_of_the_ca_file_is_accepted(ca: trustme.CA, ca_file: Path) -> None:
    with bad_nailgun(context(ca.issue_cert("127.0.0.1"))) as bad, client(bad, ca_file) as meets:
        bad.script = [says(503, b""), begins, says(200, [])]
        assert meets.releases() == ()


def self_signed() -> ssl.SSLContext:
    ca = trustme.CA()
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with ca.cert_pem.tempfile() as pem, ca.private_key_pem.tempfile() as key:
        made.load_cert_chain(pem, key)
    return made


@pytest.mark.parametrize(
    ("fault", "message", "remedy"),
    [
        ("name", "its certificate is for another name", "use the name"),
        ("expired", "its certificate has expired", "renew the certificate"),
        ("early", "its certificate is not valid yet", "clocks"),
        ("ca", "its certificate comes from a CA that is not trusted here", "nailgun.ca_file"),
        ("self-signed", "its certificate is self-signed", "nailgun.ca_file"),
    ],
)
def test_a_bad_certificate_is_reported_and_nothing_is_sent(
    ca: trustme.CA, ca_file: Path, fault: str, message: str, remedy: str
) -> None:
    now = datetime.now(UTC)
    day = timedelta(days=1)
    contexts = {
        "name": lambda: context(ca.issue_cert("nailgun.test", "10.20.0.2")),
        "expired": lambda: context(ca.issue_cert("127.0.0.1", not_after=now - day)),
        "early": lambda: context(ca.issue_cert("127.0.0.1", not_before=now + day)),
        "ca": lambda: context(trustme.CA().issue_cert("127.0.0.1")),
        "self-signed": self_signed,
    }
    with bad_nailgun(contexts[fault]()) as bad, client(bad, ca_file) as meets:
        error = refusal(meets.releases)
        assert bad.keystone_seen == bad.seen == []
    assert error.status is None
    assert f"TLS: {message} (" in error.what
    assert f"(127.0.0.1:{bad.port})" in error.what
    assert remedy in error.remedy


def test_a_private_ca_is_not_trusted_without_its_file(ca: trustme.CA) -> None:
    with bad_nailgun(context(ca.issue_cert("127.0.0.1"))) as bad, client(bad, None) as meets:
        error = refusal(meets.releases)
        assert bad.keystone_seen == []
    assert "comes from a CA that is not trusted here" in error.what
    assert "nailgun.ca_file" in error.remedy


def test_a_server_without_tls_is_reported(ca_file: Path) -> None:
    with bad_nailgun() as bad, client(bad, ca_file) as meets:
        error = refusal(meets.releases)
    assert "TLS: the server does not speak it at this port" in error.what


def test_http_that_redirects_to_https_is_reported(bad_plain: BadNailgun) -> None:
    bad_plain.script = [says(301, b"", Location="https://10.20.0.2:8443/api/v1/releases/")]
    url = f"http://127.0.0.1:{bad_plain.port}"
    with client(bad_plain, None, url=url) as meets:
        error = refusal(meets.releases)
    assert (error.status, len(bad_plain.seen)) == (301, 1)
    assert "a redirect to https://10.20.0.2:8443/api/v1/releases/" in error.what


@pytest.fixture
def bad_plain() -> Iterator[BadNailgun]:
    with bad_nailgun() as made:
        yield made


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, os.strerror(errno.ENOENT)), (b"", "found none"), (b"no certificate", "found none")],
)
def test_a_ca_file_that_cannot_be_used_is_named(
    bad_plain: BadNailgun, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        check_ca_file(path)
    assert f"nailgun.ca_file: {path}: " in caught.value.what
    # one that is lost while the daemon runs, too
    with client(bad_plain, path) as meets, pytest.raises(ConfigError, match=message):
        meets.releases()


# Proxies


@dataclass
class _Asked:
    """A request to a proxy: method, target, and the name and password in it."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    refuse: int | None = None


@contextmanager
def a_proxy() -> Iterator[tuple[str, _Asked]]:
    """Forward requests and tunnel connections; give the address and the requests."""
    requested = _Asked()

    class Proxy(Handler):
        def note(self) -> bool:
            requested.lines.append((self.command, self.path))
            requested.authorizations.append(self.headers.get("Proxy-Authorization"))
            if requested.refuse is not None:
                self.send_response(requested.refuse)
                self.send_header("Content-Length", "0")
                self.end_headers()
            return requested.refuse is None

        def forward(self) -> None:
            body = self.body()
            if not self.note():
                return
            parts = urlsplit(self.path)
            with closing(socket.create_connection((parts.hostname, parts.port))) as upstream:
                lines = [f"{self.command} {parts.path} HTTP/1.1", "Connection: close"]
                lines += [f"{k}: {v}" for k, v in self.headers.items() if k != "Connection"]
                upstream.sendall("\r\n".join([*lines, "", ""]).encode() + body)
                pump(upstream, self.connection)
            self.close_connection = True

        do_GET = do_POST = forward  # noqa: N815  # http.server's names

        def do_CONNECT(self) -> None:  # noqa: N802 - http.server's name
            if not self.note():
                return
            host, _, port = self.path.rpartition(":")
            with closing(socket.create_connection((host, int(port)))) as upstream:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=pump, args=(upstream, self.connection), daemon=True)
                back.start()
                pump(self.connection, upstream)
            self.close_connection = True

    with serving(Server(Proxy)) as server:
        yield f"http://operator:{PROXY_PASSWORD}@127.0.0.1:{server.port}", requested


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


def test_a_proxy_forwards_requests_to_http(bad_plain: BadNailgun) -> None:
    bad_plain.script = [says(200, [])]
    url = f"http://127.0.0.1:{bad_plain.port}"
    with a_proxy() as (proxy, requested), client(bad_plain, None, url=url, proxy=proxy) as meets:
        assert meets.releases() == ()
    paths = ["/keystone/v3", "/keystone/v2.0/tokens", "/api/v1/releases/"]
    assert requested.lines == [
        (m, url + p) for m, p in zip(("GET", "POST", "GET"), paths, strict=True)
    ]
    assert None not in requested.authorizations


def test_a_proxy_tunnels_requests_to_https(ca: trustme.CA, ca_file: Path) -> None:
    """And sees neither token nor password: it gets its own name and password alone."""
    with (
        bad_nailgun(context(ca.issue_cert("127.0.0.1"))) as bad,
        a_proxy() as (proxy, requested),
        client(bad, ca_file, proxy=proxy) as meets,
    ):
        bad.script = [says(200, [])]
        assert meets.releases() == ()
        assert set(requested.lines) == {("CONNECT", f"127.0.0.1:{bad.port}")}
        assert None not in requested.authorizations


def test_a_bad_certificate_is_reported_through_a_proxy(ca: trustme.CA, ca_file: Path) -> None:
    with (
        bad_nailgun(context(ca.issue_cert("nailgun.test"))) as bad,
        a_proxy() as (proxy, _asked),
        client(bad, ca_file, proxy=proxy) as meets,
    ):
        error = refusal(meets.releases, secret=PROXY_PASSWORD)
    assert "TLS: its certificate is for another name" in error.what


@pytest.mark.parametrize("status", [403, 407])
def test_a_proxy_that_refuses_a_tunnel_is_reported(
    ca: trustme.CA, ca_file: Path, status: int
) -> None:
    with (
        bad_nailgun(context(ca.issue_cert("127.0.0.1"))) as bad,
        a_proxy() as (proxy, requested),
        client(bad, ca_file, proxy=proxy) as meets,
    ):
        requested.refuse = status
        error = refusal(meets.releases, secret=PROXY_PASSWORD)
        assert len(requested.lines) == 1
    assert error.status is None
    assert f"the proxy answered {status}" in error.what
    assert "nailgun.proxy" in error.remedy


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_absent_proxy_is_reported(bad_plain: BadNailgun, scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{bad_plain.port}"
    proxy = f"http://operator:{PROXY_PASSWORD}@127.0.0.1:9"
    with client(bad_plain, None, url=url, proxy=proxy) as meets:
        error = refusal(meets.releases, secret=PROXY_PASSWORD)
    assert error.status is None
    assert "no connection to the proxy" in error.what
    assert "nailgun.proxy" in error.remedy
    assert bad_plain.keystone_seen == []


def test_the_environment_names_no_proxy(
    bad_plain: BadNailgun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that a shell exports for downloads must not get the tokens."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    bad_plain.script = [says(200, [])]
    with client(bad_plain, None, url=f"http://127.0.0.1:{bad_plain.port}") as meets:
        assert meets.releases() == ()
