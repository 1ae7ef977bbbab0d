"""HTTP to the control plane: bounded in time, size and tries; every failure becomes one error."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, ReadTimeoutError
from urllib3.util import Retry

from fuel_upgrade.errors import ControlPlaneError

ANSWER_MAX_BYTES = 64 * 1024 * 1024
_CONNECT_TIMEOUT_S = 10.0
_CHUNK_BYTES = 64 * 1024
_REASON_CHARS = 200
_FIRST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request; ``body`` is complete."""

    method: str
    path: str
    status: int
    content_type: str
    body: bytes

    def json(self) -> Any:
        """Return the body's value.

        Raises:
            ControlPlaneError: the body is no JSON.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            kind = self.content_type or "no content type"
            raise self.error(f"expected JSON, found {kind}: {self.text}") from error

    @property
    def text(self) -> str:
        """The beginning of the body, on one line."""
        shown = " ".join(self.body[: 4 * _REASON_CHARS].decode(errors="replace").split())
        return shown[:_REASON_CHARS] or "(empty)"

    def without(self, secret: str) -> Self:
        """Return the answer with every occurrence of ``secret`` masked.

        Error pages of Nailgun's framework may show the headers of the request.
        """
        return replace(self, body=self.body.replace(secret.encode(), b"******"))

    def error(self, reason: str) -> ControlPlaneError:
        """Return the error that names this exchange."""
        return ControlPlaneError(self.method, self.path, self.status, reason)


class Transport:
    """Sends requests with a time limit each; never follows a redirect.

    GET, PUT and DELETE are tried again on a refused connection and on 500, 502, 503 and 504
    (Nailgun's application server restarts under its clients). A POST is tried again only while
    no connection could be made: once sent, nobody knows whether it was carried out.
    """

    def __init__(
        self, *, timeout_s: float, retries: int, answer_max_bytes: int = ANSWER_MAX_BYTES
    ) -> None:
        self._timeouts_s = (min(timeout_s, _CONNECT_TIMEOUT_S), timeout_s)
        self._answer_max_bytes = answer_max_bytes
        self._session = requests.Session()
        # the master's environment must not send tokens to a proxy, nor .netrc replace them
        self._session.trust_env = False
        adapter = HTTPAdapter(max_retries=_retry(retries))
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def close(self) -> None:
        """Close the connections that were kept open."""
        self._session.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        body: Mapping[str, Any] | None = None,
        token: str | None = None,
    ) -> Answer:
        """Send one request and read the whole answer, whatever its status.

        Raises:
            ControlPlaneError: status None when no whole answer came, else the answer is too large.
        """
        headers = {"Accept": "application/json"}
        if token is not None:
            headers["X-Auth-Token"] = token
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        path = urlsplit(url).path
        try:
            with self._session.request(
                method,
                url,
                data=data,
                headers=headers,
                timeout=self._timeouts_s,
                allow_redirects=False,
                stream=True,
            ) as response:
                answer = self._read(method, path, response)
        except requests.RequestException as error:
            raise ControlPlaneError(method, path, None, f"{_why(error)} ({_host(url)})") from error
        return answer if token is None or answer.status < _FIRST_ERROR else answer.without(token)

    def _read(self, method: str, path: str, response: requests.Response) -> Answer:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._answer_max_bytes:
                reason = f"the answer is larger than {self._answer_max_bytes} bytes"
                raise ControlPlaneError(method, path, response.status_code, reason)
        content_type = response.headers.get("Content-Type", "").partition(";")[0]
        return Answer(method, path, response.status_code, content_type, bytes(body))


def _retry(retries: int) -> Retry:
    return Retry(
        total=retries,
        connect=retries,
        # a kept connection may have died since: once more, but no timeout many times over
        read=min(retries, 1),
        status=retries,
        other=0,
        redirect=0,
        allowed_methods=frozenset({"GET", "PUT", "DELETE"}),
        status_forcelist=frozenset({500, 502, 503, 504}),
        backoff_factor=0.2,
        backoff_max=5.0,
        raise_on_status=False,
        respect_retry_after_header=False,  # a server must not make us wait for hours
    )


def _host(url: str) -> str:
    parts = urlsplit(url)  # only these two: a URL may carry a password
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _why(error: requests.RequestException) -> str:
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    if isinstance(error, requests.Timeout) or isinstance(cause, ReadTimeoutError):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke before the answer was complete"
    if isinstance(error, requests.ConnectionError):
        return "no connection, or it was closed without an answer"
    return type(error).__name__
