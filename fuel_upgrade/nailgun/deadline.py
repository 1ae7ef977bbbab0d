"""One time limit over all that an exchange does, down to each read of the socket.

A read time-out begins anew with each byte that comes: a server that sends one every few seconds,
be it in the middle of its headers, would hold a client for hours.
"""

import io
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from socket import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class DamagedHeadError(HTTPException):
    """The head of an answer ends before its empty line, or has lines that are no headers.

    http.client takes the one for a whole head without a body; of the other urllib3 logs what could
    not be read, in which there may be a token.
    """


class Deadline:
    """When what was begun last must have come to an end; ``monotonic`` counts seconds."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self.seconds = seconds
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def begin(self) -> None:
        """Count from now."""
        self._end = self._monotonic() + self.seconds

    @property
    def left_s(self) -> float:
        """How much time is left, in seconds; not below 0."""
        return max(0.0, self._end - self._monotonic())

    def limit(self, timeout_s: float | None) -> float:
        """Return a time-out that does not reach beyond the end.

        Raises:
            TimeoutError: no time is left.
        """
        left_s = self.left_s
        if left_s <= 0:
            raise TimeoutError("the time for the whole exchange is over")
        return left_s if timeout_s is None else min(timeout_s, left_s)


class _TimedRaw(io.RawIOBase):
    """Reads a socket; what one read waits for shrinks with the time that is left."""

    def __init__(self, raw: io.RawIOBase, sock: socket, deadline: Deadline) -> None:
        self._raw = raw  # the socket's own file: it keeps the socket open while it is read
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
    """The adapter of ``requests``, over connections that keep to a deadline; it retries nothing."""

    def __init__(self, deadline: Deadline) -> None:
        self._pools = _pools(deadline)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of servers that are asked directly."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make the pools of servers that are asked through a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    """Return the pools whose answers, those of a proxy's tunnel too, are read in time.

    Classes are the only thing that urllib3 and http.client let one put in.
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

    class Tls(HTTPSConnection):
        response_class = Response

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}
