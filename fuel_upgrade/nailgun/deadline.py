"""One time limit for a whole exchange, applied to each read of the socket.

A read timeout restarts with each byte: a server that sends one every few seconds would hold a
client for hours.
"""

import io
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class DamagedHeadError(HTTPException):
    """The header of a response ends before its empty line, or has malformed lines.

    http.client accepts the former as complete; urllib3 logs the malformed lines, which may contain
    a token.
    """


class Deadline:
    """The time by which the current exchange must end; ``monotonic`` returns seconds."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self.seconds = seconds
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def begin(self) -> None:
        """Start the time limit of an exchange."""
        self._end = self._monotonic() + self.seconds

    @property
    def left_s(self) -> float:
        """The remaining time in seconds, at least 0."""
        return max(0.0, self._end - self._monotonic())

    def limit(self, timeout_s: float | None) -> float:
        """Return ``timeout_s``, or the remaining time if that is shorter.

        Raises:
            TimeoutError: no time remains.
        """
        left_s = self.left_s
        if left_s <= 0:
            raise TimeoutError("the time for the whole exchange is over")
        return left_s if timeout_s is None else min(timeout_s, left_s)


class _TimedRaw(io.RawIOBase):
    """Reads a socket; the timeout of each read is at most the remaining time."""

    def __init__(self, raw: io.RawIOBase, sock: socket, deadline: Deadline) -> None:
        self._raw = raw  # the socket's own file keeps the socket open
        self._sock = sock
        self._deadline = deadline
        self.is_at_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.limit(self._sock.gettimeout()))
        count = self._raw.readinto(buffer)
        self.is_at_end = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class DeadlineAdapter(HTTPAdapter):
    """An adapter of ``requests`` whose connections keep to a deadline; it never retries.

    With ``unix_socket`` all of plain HTTP goes there, whatever the host in its URL.
    """

    def __init__(self, deadline: Deadline, unix_socket: Path | None = None) -> None:
        self._pools = _pools(deadline, unix_socket)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools for direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make the pools for connections through a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(deadline: Deadline, unix_socket: Path | None) -> dict[str, type[HTTPConnectionPool]]:
    """Return pools that read responses, also those of a proxy tunnel, within the deadline.

    urllib3 and http.client can only be configured by class.
    """

    class Response(HTTPResponse):
        def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self._timed = _TimedRaw(self.fp.detach(), sock, deadline)
            self.fp = io.BufferedReader(self._timed)

        def begin(self) -> None:
            super().begin()
            if self._timed.is_at_end or self.headers.get_payload():
                raise DamagedHeadError

    class Plain(HTTPConnection):
        response_class = Response

        def _new_conn(self) -> socket:
            if unix_socket is None:
                return super()._new_conn()
            sock = socket(AF_UNIX)
            sock.settimeout(deadline.limit(None))
            sock.connect(str(unix_socket))
            return sock

    class Tls(HTTPSConnection):
        response_class = Response

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}
