"""The limits of our HTTP servers: connections, the time that a request may take, its body.

A server of uvicorn has them by ``uvicorn.Config(http=BoundedProtocol)``.
"""

import asyncio
from typing import Any

from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

BODY_MAX_BYTES = 4 * 1024 * 1024
_MOST_CONNECTIONS = 200  # of a server: with 1024 descriptors a daemon has enough for its work
_REQUEST_S = 60.0  # from its first byte to its last


class BodyTooLargeError(Exception):
    """A body has more bytes than its limit, or declares more."""


async def read_body(request: Request, most_bytes: int = BODY_MAX_BYTES) -> bytearray:
    """Return the body of a request. uvicorn discards the rest of a refused one as it comes.

    Raises:
        BodyTooLargeError: by the declared length, before a byte is read, or as soon as it is over.
    """
    reason = f"The body is larger than {most_bytes} bytes"
    if int(request.headers.get("Content-Length") or 0) > most_bytes:
        raise BodyTooLargeError(reason)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise BodyTooLargeError(reason)
    return body


class BoundedProtocol(H11Protocol):
    """A connection that ends if its request does not come in time.

    If there are too many connections, the oldest one without a complete request makes way, so
    that a flood of idle ones keeps nobody out.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self.since = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time of the first request; make way for this connection if it is too many."""
        super().connection_made(transport)
        self._start_timer()
        connected = [
            protocol
            for protocol in self.connections
            if isinstance(protocol, BoundedProtocol) and not protocol.transport.is_closing()
        ]
        if len(connected) > _MOST_CONNECTIONS:
            idle = (protocol for protocol in connected if not protocol.has_request)
            min(idle, key=lambda protocol: protocol.since, default=self).transport.abort()

    @property
    def has_request(self) -> bool:
        """Whether a complete request waits for its response."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def data_received(self, data: bytes) -> None:
        """Start the time of a request with its first byte, and stop it with its last."""
        self._start_timer()
        super().data_received(data)
        if self.has_request:
            self._stop_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time."""
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(_REQUEST_S, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
