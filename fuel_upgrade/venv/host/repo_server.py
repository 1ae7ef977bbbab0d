"""The client of a repo server: conditional requests and resumed, verified downloads."""

from __future__ import annotations

import hashlib
import http.client
import random
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import cast

from .deploy_error import DeployError

_CHUNK_BYTES = 1 << 18
_ANSWER_BYTES = 1 << 20
_TIMEOUT_S = 60
_TRIES = 5
_RETRIED = (429, 500, 502, 503, 504)
_PARTIAL, _NOT_MODIFIED = 206, 304  # RFC 9110
_NETWORK_ERRORS = (OSError, http.client.HTTPException)


class RepoServer:
    """The repo server at ``url``; ``rate`` is in bytes a second, 0 for no limit.

    ``timeout_s`` is the time for a connection, and between two parts of an answer.
    """

    def __init__(
        self, url: str, *, ca_file: str | None = None, rate: int = 0, timeout_s: float = _TIMEOUT_S
    ) -> None:
        self.url = url.rstrip("/")
        self._rate = rate
        self._timeout_s = timeout_s
        handlers = []
        if ca_file or self.url.startswith("https:"):  # to read certificates costs 30 ms
            context = ssl.create_default_context(cafile=ca_file)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        # Proxies are those of the environment, as for every program.
        self._opener = urllib.request.build_opener(*handlers)

    def ask(self, path: str, etag: str | None) -> tuple[bytes, str | None] | None:
        """Return the content of a small file and its ETag, or None if it is still ``etag``."""
        headers = {"If-None-Match": etag} if etag else {}
        answer = self._open(path, headers)
        if answer is None:
            return None
        try:
            with answer:
                content = answer.read(_ANSWER_BYTES)
                rest = getattr(answer, "length", None)  # an answer of file:// has none
                if rest:
                    raise http.client.IncompleteRead(content, rest)
                return content, answer.headers.get("ETag")
        except _NETWORK_ERRORS as error:
            raise server_error(f"{self.url}{path}", error) from error

    def download(self, path: str, target: Path, *, sha256: str, size: int) -> int:
        """Download a file, or the rest of it; return the bytes that were transferred.

        Raises:
            DeployError: the server fails, or the content is not that of ``sha256``.
        """
        moved = damaged = 0
        for attempt in range(_TRIES):
            have = target.stat().st_size if target.exists() else 0
            if have > size:
                target.unlink()
                have = 0
            if have < size:
                moved += self._append(path, target, have, last=attempt == _TRIES - 1)
            if target.exists() and target.stat().st_size == size:
                if sha256_of(target) == sha256:
                    return moved
                target.unlink()
                damaged += 1  # on the way: once more from the start; on the server: it stays so
                if damaged > 1:
                    break
        raise DeployError(
            f"{self.url}{path}: the content differs from the SHA-256 {sha256} of the index",
            "check the repo server, its proxies and the network",
        )

    def _append(self, path: str, target: Path, start: int, *, last: bool) -> int:
        moved = 0
        began_s = time.monotonic()
        answer = self._open(path, {"Range": f"bytes={start}-"} if start else {})
        if answer is None:
            return 0
        with answer, target.open("ab" if answer.status == _PARTIAL else "wb") as file:
            while True:
                try:
                    chunk = answer.read(_CHUNK_BYTES)
                except _NETWORK_ERRORS as error:
                    if last:
                        raise server_error(f"{self.url}{path}", error) from error
                    return moved
                if not chunk:
                    return moved
                file.write(chunk)
                moved += len(chunk)
                if self._rate:
                    time.sleep(max(0.0, moved / self._rate - (time.monotonic() - began_s)))

    def _open(self, path: str, headers: dict[str, str]) -> http.client.HTTPResponse | None:
        """Open a path; None is "not modified". Failures that may pass are tried again."""
        request = urllib.request.Request(f"{self.url}{path}", headers=headers)  # noqa: S310
        for attempt in range(_TRIES):
            try:
                return cast(
                    "http.client.HTTPResponse", self._opener.open(request, timeout=self._timeout_s)
                )
            except urllib.error.HTTPError as error:
                if error.code == _NOT_MODIFIED:
                    return None
                if error.code not in _RETRIED or attempt == _TRIES - 1:
                    raise server_error(request.full_url, error) from error
            except _NETWORK_ERRORS as error:
                if attempt == _TRIES - 1:
                    raise server_error(request.full_url, error) from error
            time.sleep(random.uniform(0, 2**attempt) / 4)  # noqa: S311 - spreads many hosts
        return None


def server_error(where: str, error: Exception) -> DeployError:
    """Return the error of a failed transfer."""
    return DeployError(f"{where}: {error}", "check the repo server and the network, and run again")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
