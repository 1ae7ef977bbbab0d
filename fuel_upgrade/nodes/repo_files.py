"""Reads files of a repo by its url, over http or from a disk, bounded in time and size."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests

from fuel_upgrade.errors import OutsideError

_LIMIT_BYTES = 8 << 20  # the Release of all of Debian has 0.2 MB
_CHUNK_BYTES = 1 << 16
_ABSENT = (requests.codes.not_found, requests.codes.gone)


@dataclass(frozen=True, slots=True)
class RemoteRepo:
    """Reads below one url until a moment of the monotonic clock."""

    url: str
    deadline_s: float
    monotonic: Callable[[], float] = time.monotonic

    def has(self, path: str) -> bool:
        """Say whether there is such a file; OutsideError as :meth:`read`."""
        return self._head(path, 0) is not None

    def read(self, path: str, *, limit_bytes: int = _LIMIT_BYTES) -> bytes | None:
        """Return a file's content; None where there is no such file.

        Raises:
            OutsideError: no complete answer in time, or one longer than ``limit_bytes``.
        """
        data = self._head(path, limit_bytes + 1)
        if data is not None and len(data) > limit_bytes:
            raise OutsideError(
                f"{self.url}/{path} is longer than {limit_bytes} bytes, which no such file is",
                remedy="open the address in a browser: something else than the repo answers there",
            )
        return data

    def read_head(self, path: str, size_bytes: int) -> bytes | None:
        """Return at most the first ``size_bytes`` of a file; None where there is no such file.

        Raises:
            OutsideError: they did not come in time.
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
                remedy="check the address, and that the server answers from this machine",
            ) from error

    def _read_http(self, url: str, limit_bytes: int) -> bytes | None:
        data = bytearray()
        with requests.get(url, stream=True, timeout=self._left_s()) as answer:
            if answer.status_code in _ABSENT:
                return None
            answer.raise_for_status()
            chunks = answer.iter_content(_CHUNK_BYTES)
            while len(data) < limit_bytes and (chunk := next(chunks, b"")):
                data += chunk
                self._left_s()
        return bytes(data[:limit_bytes])

    def _left_s(self) -> float:
        left_s = self.deadline_s - self.monotonic()
        if left_s <= 0:
            raise requests.Timeout("no complete answer in the time allowed")
        return left_s


def _read_local(path: Path, limit_bytes: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(limit_bytes)
    except (FileNotFoundError, NotADirectoryError):
        return None
