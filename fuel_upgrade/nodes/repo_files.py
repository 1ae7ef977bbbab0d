"""Read files of a repo by its URL, over HTTP or from disk, bounded in time and size."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

import requests

from fuel_upgrade.errors import OutsideError

_LIMIT_BYTES = 8 << 20  # the Release of the whole of Debian has 0.2 MB
_CHUNK_BYTES = 1 << 16
_ABSENT = (requests.codes.not_found, requests.codes.gone)


@dataclass(frozen=True, slots=True)
class RemoteRepo:
    """Reads below one URL until a time of the monotonic clock."""

    url: str
    deadline_s: float
    monotonic: Callable[[], float] = time.monotonic

    @classmethod
    def at(cls, url: str, *, timeout_s: float) -> Self:
        """Return a reader of the repo at ``url``, for ``timeout_s`` from now."""
        return cls(url.rstrip("/"), time.monotonic() + timeout_s)

    def has(self, path: str) -> bool:
        """Return whether a file exists; OutsideError as :meth:`read`."""
        return self._head(path, 0) is not None

    def read(self, path: str, *, limit_bytes: int = _LIMIT_BYTES) -> bytes | None:
        """Return the content of a file, None if it does not exist.

        Raises:
            OutsideError: no complete response in time, or one longer than ``limit_bytes``.
        """
        data = self._head(path, limit_bytes + 1)
        if data is not None and len(data) > limit_bytes:
            raise OutsideError(
                f"{self.url}/{path} is longer than {limit_bytes} bytes, the limit for such a file",
                remedy="open the URL in a browser: the response is not from the repo",
            )
        return data

    def read_head(self, path: str, size_bytes: int) -> bytes | None:
        """Return at most the first ``size_bytes`` of a file, None if it does not exist.

        Raises:
            OutsideError: no response in time.
        """
        return self._head(path, size_bytes)

    def _head(self, path: str, limit_bytes: int) -> bytes | None:
        url = f"{self.url}/{path}"
        try:
            if urlsplit(url).scheme == "file":
                return _read_local(Path(unquote(urlsplit(url).path)), limit_bytes)
            return self._read_http(url, limit_bytes)
        except (requests.RequestException, OSError, ValueError) as error:
            raise OutsideError(
                f"{url} cannot be read: {error}",
                remedy="check the URL, and that this machine can reach the server",
            ) from error

    def _read_http(self, url: str, limit_bytes: int) -> bytes | None:
        data = bytearray()
        with requests.get(url, stream=True, timeout=self._remaining_s()) as response:
            if response.status_code in _ABSENT:
                return None
            response.raise_for_status()
            chunks = response.iter_content(_CHUNK_BYTES)
            while len(data) < limit_bytes and (chunk := next(chunks, b"")):
                data += chunk
                self._remaining_s()
        return bytes(data[:limit_bytes])

    def _remaining_s(self) -> float:
        remaining_s = self.deadline_s - self.monotonic()
        if remaining_s <= 0:
            raise requests.Timeout("no complete response in the allowed time")
        return remaining_s


def _read_local(path: Path, limit_bytes: int) -> bytes | None:
    try:
        if path.is_fifo():
            raise OSError("it is a pipe, which may never end")
        with path.open("rb") as file:
            return file.read(limit_bytes)
    except (FileNotFoundError, NotADirectoryError):
        return None
