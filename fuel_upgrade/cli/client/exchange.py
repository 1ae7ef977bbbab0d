"""One request to the daemon and its answer, over HTTP on a unix socket."""

import http.client
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuel_upgrade import __version__
from fuel_upgrade.cli.client.daemon_errors import (
    TIMEOUT_S,
    cut_off,
    garbled,
    of_other_version,
    unanswered,
    unreachable,
)
from fuel_upgrade.daemon import VERSION_HEADER
from fuel_upgrade.errors import UpgradeError, from_json


@dataclass(frozen=True, slots=True)
class Daemon:
    """The socket of the daemon, and a callback that gets the version in its answer."""

    socket: Path
    on_version: Callable[[str | None], None]

    def ask(self, request: "Request") -> Any:
        """Return the answer to a request.

        Raises:
            UpgradeError: the error that the daemon raised; OutsideError: there is no daemon.
        """
        with closing(_Connection(self.socket)) as connection:
            return _parse(request, self._send(connection, request))

    def events(self, job: str) -> Iterator[Any]:
        """Yield the JSON of each event of a job as it comes; errors as :meth:`ask`.

        Raises:
            OutsideError: the connection broke, or a line is not JSON.
        """
        with closing(_Connection(self.socket)) as connection:
            answer = self._send(connection, Request("GET", f"/jobs/{job}/events"))
            connection.wait_as_long_as_it_takes()
            yield from _read_lines(answer, job)

    def _send(self, connection: "_Connection", request: "Request") -> http.client.HTTPResponse:
        """Send a request; return the answer, of which only the header was read.

        Raises:
            UpgradeError: there is no daemon, or it refuses.
        """
        try:
            connection.connect()
        except OSError as error:
            raise unreachable(self.socket, error) from error
        try:
            connection.request(
                request.method, f"/v1{request.path}", request.body, request.all_headers()
            )
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise unanswered(str(request), error) from error
        version = answer.headers.get(VERSION_HEADER)
        self.on_version(version)
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise _refused(request, answer, version)
        return answer


@dataclass(frozen=True, slots=True)
class Request:
    """A request; ``path`` is below ``/v1``, ``body`` is JSON."""

    method: str
    path: str
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def all_headers(self) -> dict[str, str]:
        """Return the headers, with the content type of the body if there is one."""
        kind = {} if self.body is None else {"Content-Type": "application/json"}
        return {**kind, **self.headers}

    def __str__(self) -> str:
        """Return the request as text for messages."""
        return f"{self.method} {self.path}"


class _Connection(http.client.HTTPConnection):
    """A connection to a unix socket."""

    def __init__(self, place: Path) -> None:
        super().__init__("fuel-upgraded", timeout=TIMEOUT_S)
        self._place = place
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        """Connect, once."""
        if self._socket is not None:
            return
        self._socket = self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(self.timeout)
        self._socket.connect(str(self._place))

    def wait_as_long_as_it_takes(self) -> None:
        """Remove the timeout: an install can take hours."""
        if self._socket is not None:
            self._socket.settimeout(None)


def _refused(
    request: Request, answer: http.client.HTTPResponse, version: str | None
) -> UpgradeError:
    body = _parse(request, answer)
    if not isinstance(body, dict) or not isinstance(body.get("what"), str):
        return garbled(str(request), f"status {answer.status}")
    error = from_json(body)
    if error.code == "no-route" and version != __version__:
        return of_other_version(str(request), version)
    return error


def _parse(request: Request, answer: http.client.HTTPResponse) -> Any:
    try:
        return json.loads(answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise unanswered(str(request), error) from error
    except ValueError as error:
        raise garbled(str(request), f"status {answer.status}, {error}") from error


def _read_lines(answer: http.client.HTTPResponse, job: str) -> Iterator[Any]:
    try:
        for line in answer:
            yield json.loads(line)
    except (OSError, http.client.HTTPException) as error:
        raise cut_off(job, str(error) or type(error).__name__) from error
    except ValueError as error:  # a truncated line, or not JSON
        raise cut_off(job, str(error)) from error
