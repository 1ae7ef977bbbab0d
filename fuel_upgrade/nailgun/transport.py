"""HTTP to the control plane: bounded in time, size and tries; every failure becomes one error."""

import json
import ssl
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.errors import ConfigError, ControlPlaneError
from fuel_upgrade.nailgun.connection_failure import Failure, Kind, backoff_s, explain
from fuel_upgrade.nailgun.deadline import Deadline, DeadlineAdapter
from fuel_upgrade.nailgun.http_response import Answer
from fuel_upgrade.nailgun.late_changes import LateChanges


@dataclass(frozen=True, slots=True)
class Call:
    """One request with all attempts, and its result; ``status`` is None without a response."""

    method: str
    path: str
    status: int | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class Tracing:
    """The observer of each request, and the id under which the server may log it."""

    observe: Callable[[Call], None] = lambda _call: None
    request_id: Callable[[], str | None] = lambda: None


Body = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""The body of a request, sent as JSON."""
ANSWER_MAX_BYTES = 64 * 1024 * 1024
_CONNECT_TIMEOUT_S = 10.0
_CHUNK_BYTES = 64 * 1024
_IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})
_BUSY = frozenset({500, 502, 503, 504})
_GATEWAY = frozenset({502, 504})  # a proxy answers: the server may still have the request
_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS  # zlib.decompressobj: detect the format by the header


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    data: bytes | None = field(repr=False)
    token: str | None = field(repr=False)
    request_id: str | None = None
    is_change: bool = False

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def is_idempotent(self) -> bool:
        return self.method in _IDEMPOTENT

    def headers(self) -> dict[str, str]:
        # an uncompressed body cannot expand
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if self.request_id is not None:
            headers["X-Request-Id"] = self.request_id
        if self.token is not None:
            headers["X-Auth-Token"] = self.token
        if self.data is not None:
            headers["Content-Type"] = "application/json"
        return headers


class _NoAnswerError(Exception):
    """One attempt got no response; the cause has the reason."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.why)
        self.failure = failure


class _Session(requests.Session):
    """Ignores redirects: otherwise requests reads their bodies, of any size, to follow none."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: no response counts as a redirect."""


class Transport:
    """Sends requests; all attempts of one share a time limit. Never follows a redirect.

    GET, PUT and DELETE are repeated on a refused connection, on 500, 502, 503 and 504 (Nailgun's
    application server restarts under its clients), and once if the response was late or broke
    off. A POST is repeated only if no connection was made: once sent, it may have been carried
    out. TLS certificates are always verified.
    """

    def __init__(  # noqa: PLR0913 - shared by clients, or replaced in tests
        self,
        settings: NailgunSettings,
        *,
        answer_max_bytes: int = ANSWER_MAX_BYTES,
        tracing: Tracing | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        unix_socket: Path | None = None,
    ) -> None:
        self._timeout_s = settings.timeout_s
        self._retries = settings.retries
        self._ca_file = settings.ca_file
        self._answer_max_bytes = answer_max_bytes
        self._tracing = tracing or Tracing()
        self._monotonic = monotonic
        self._sleep = sleep
        self._deadline = Deadline(settings.deadline_s, monotonic)
        self.late_changes = LateChanges(settings.deadline_s, monotonic, sleep)
        self._session = _Session()
        # no proxy from the environment may get tokens, and no .netrc may replace them
        self._session.trust_env = False
        if settings.proxy:
            self._session.proxies = {"http": settings.proxy, "https": settings.proxy}
        if settings.ca_file is not None:
            self._session.verify = str(settings.ca_file)
        adapter = DeadlineAdapter(self._deadline, unix_socket)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def close(self) -> None:
        """Close the open connections."""
        self._session.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        body: Body | None = None,
        token: str | None = None,
        is_change: bool = False,
    ) -> Answer:
        """Send one request and read the whole response, whatever its status.

        With ``is_change``, each try without a response is added to ``late_changes``.

        Raises:
            ControlPlaneError: no complete response came (status None), or it is too large.
            ConfigError: the CA file cannot be read.
        """
        data = None if body is None else json.dumps(body).encode()
        request = _Request(method, url, data, token, self._tracing.request_id(), is_change)
        begun_s, status = self._monotonic(), None
        try:
            answer = self._send(request)
            status = answer.status
        except ControlPlaneError as error:
            status = error.status
            raise
        finally:
            duration_s = self._monotonic() - begun_s
            self._tracing.observe(Call(method, request.path, status, duration_s))
        return answer

    def _send(self, request: _Request) -> Answer:
        self._deadline.begin()
        tries, lost = 0, 0
        while True:
            tries += 1
            begun_s = self._monotonic()
            try:
                answer = self._try(request)
            except _NoAnswerError as error:
                kind = error.failure.kind
                if kind is Kind.LOST and request.is_change:
                    self.late_changes.add(begun_s)
                lost += kind is Kind.LOST
                # an idle connection may have died: repeat once, but not one timeout after another
                may_repeat = lost <= 1 and kind.may_repeat(is_idempotent=request.is_idempotent)
                if not may_repeat or not self._wait(tries):
                    raise self._error(request, error.failure) from error.__cause__
            else:
                if answer.status in _GATEWAY and request.is_change:
                    self.late_changes.add(begun_s)
                is_final = answer.status not in _BUSY or not request.is_idempotent
                if is_final or not self._wait(tries):
                    return answer

    def _wait(self, tries: int) -> bool:
        """Wait before the next attempt; return False if there is none."""
        pause_s = backoff_s(tries)
        if tries > self._retries or pause_s >= self._deadline.left_s:
            return False
        self._sleep(pause_s)
        return True

    def _try(self, request: _Request) -> Answer:
        is_begun = False
        try:
            connect_s = self._deadline.limit(min(self._timeout_s, _CONNECT_TIMEOUT_S))
            with self._session.request(
                request.method,
                request.url,
                data=request.data,
                headers=request.headers(),
                timeout=(connect_s, self._deadline.limit(self._timeout_s)),
                allow_redirects=False,
                stream=True,
            ) as response:
                is_begun = True
                return self._read(request, response)
        # OSError: requests, without a CA file; HTTPError: urllib3, inside the body
        except (requests.RequestException, HTTPError, OSError) as error:
            if self._ca_file is not None:
                check_ca_file(self._ca_file)
            raise _NoAnswerError(explain(error, is_begun=is_begun)) from error

    def _read(self, request: _Request, response: requests.Response) -> Answer:
        def refuse(reason: str) -> ControlPlaneError:
            return ControlPlaneError(request.method, request.path, response.status_code, reason)

        limit = self._answer_max_bytes
        too_large = f"the answer is larger than {limit} bytes"
        if int(response.raw.length_remaining or 0) > limit:
            raise refuse(too_large)
        body = bytearray()
        for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
            body += chunk
            if len(body) > limit:
                raise refuse(too_large)
        coding = response.headers.get("Content-Encoding", "identity").strip().lower()
        try:
            decoded = _decode(bytes(body), coding, limit)
        except (ValueError, zlib.error):
            raise refuse(
                f"the answer is not in the coding that it names: {coding[:20]!r}"
            ) from None
        if len(decoded) > limit:
            raise refuse(f"{too_large} when it is unpacked")
        return Answer(
            request.method,
            request.path,
            response.status_code,
            response.headers.get("Content-Type", "").partition(";")[0],
            decoded,
            headers={name.lower(): value for name, value in response.headers.items()},
            secret=request.token,
        )

    def _error(self, request: _Request, failure: Failure) -> ControlPlaneError:
        why = failure.why
        if self._deadline.left_s <= 0:
            why = f"no whole answer within {self._deadline.seconds:g} s (nailgun.deadline_s)"
        reason = f"{why} ({_host(request.url)})"
        remedy = failure.remedy or None
        return ControlPlaneError(request.method, request.path, None, reason, remedy=remedy)


def check_ca_file(path: Path) -> None:
    """Check that a CA file can be used.

    Raises:
        ConfigError: it is missing, cannot be read, or has no certificate.
    """
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        reason = "expected the certificate of a CA as PEM, found none"
    except OSError as error:
        reason = error.strerror or str(error)
    else:
        return
    remedy = "set nailgun.ca_file in config.yaml to the PEM file of the CA that signed for Nailgun"
    raise ConfigError(f"nailgun.ca_file: {path}: {reason}", remedy=remedy)


def _decode(body: bytes, coding: str, limit: int) -> bytes:
    """Decompress a body that was compressed without request, up to ``limit`` bytes.

    Raises:
        ValueError, zlib.error: it is damaged, or the coding is unknown.
    """
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ValueError(coding)
    reader = zlib.decompressobj(_ZLIB_OR_GZIP)
    decoded = reader.decompress(body, limit + 1)
    if len(decoded) <= limit and not reader.eof:
        raise ValueError("cut short")
    return decoded


def _host(url: str) -> str:
    parts = urlsplit(url)  # host and port only: a URL may contain a password
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
