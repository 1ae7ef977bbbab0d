"""The registry as a server inside this process."""

import logging
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from fuel_upgrade.errors import ConfigError, OutsideError
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.system.http_limits import BoundedProtocol

_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 10.0
_POLL_S = 0.01
_KEEP_ALIVE_S = 75
"""As nginx before the real Nailgun: a client that pauses between two requests, as on a busy host,
must not find its connection closed, for it cannot repeat a POST."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate chain and its key, both PEM."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """See that a server can use them.

        Raises:
            ConfigError: a file cannot be read, or the key is not that of the certificate.
        """
        try:
            # "": a key that wants a passphrase is refused, where a terminal would be asked
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.key, password=lambda: "")
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{self.certificate} and {self.key} give no TLS: {error}",
                remedy="name a certificate chain and its key, both PEM and without a passphrase",
            ) from error


class RegistryServer:
    """Serves an application over HTTP from a thread of its own; leaves signals alone.

    ``port`` 0 takes a free one; with ``tls`` it is HTTPS. ``listener`` is a listening socket to
    use in place of an address. One object serves once: start, then stop.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str = "",
        port: int = 0,
        *,
        tls: TlsFiles | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        self._address = (host, port)
        self._tls = tls
        self._socket = listener
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=5,
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="registry", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The root at which the server answers, once it was started."""
        if self._socket is None:
            raise RuntimeError("the registry was not started")
        host, port = self._socket.getsockname()[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # not a bind
        scheme = "https" if self._tls else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    @property
    def is_running(self) -> bool:
        """Say whether requests are answered."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Bind, serve, and return when requests are answered.

        Raises:
            ConfigError: there is no TLS with these files.
            OutsideError: the address is in use or is not ours, or the server did not come up.
        """
        if self._tls:
            self._tls.check()
        self._socket = self._socket or _listen(*self._address)
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise OutsideError(
                    f"the registry did not start on {self._address[0]}:{self._address[1]}",
                    remedy="look in the log for the reason",
                )
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Finish the running requests, then free the port; idempotent."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_S)
        if self._socket is not None:
            self._socket.close()

    def _run(self) -> None:
        if self._socket is None:
            raise RuntimeError("the registry has no socket")
        try:
            self._server.run(sockets=[self._socket])
        except BaseException:
            # a thread's last words: start() only sees that it died
            _log.exception("the registry's server ended")
            raise


def ensure_user(store: Store, name: str, password: str) -> int:
    """Let this user log in with this password; return its id."""
    # the names first: a hash takes a fifth of a second
    if name in (known for _, known in store.accounts.users()):
        user = store.accounts.authenticate(name, password)
        if user is not None:
            return user
    store.accounts.set_password(name, password)
    return next(user for user, known in store.accounts.users() if known == name)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol asyncio leaves Nagle's algorithm on: each response would wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # a restart must not wait for connections of the last run to time out
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise OutsideError(
            f"the registry cannot listen on {host}:{port}: {error.strerror or error}",
            remedy="set registry.host and registry.port in config.yaml to a free address of "
            "this host, or stop the program that listens there",
        ) from error
    return listener
