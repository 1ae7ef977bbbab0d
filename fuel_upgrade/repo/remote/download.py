"""Downloads files of a web server into a cache by content: resumed, tried again, verified."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util.retry import Retry

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.system.files import CHUNK_BYTES, hash_file, link_file

_TRIES = 10
_STATUSES = (429, 500, 502, 503, 504)
_TIMEOUT_S = 60
_PARTIAL, _NOT_FOUND, _BEYOND = 206, 404, 416  # RFC 9110
_REMEDY = "check the server and the network, and run again: what was fetched is kept"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a server: its URL, its size if that is known, and a checksum."""

    url: str
    size_bytes: int | None
    algorithm: str
    value: str


class Downloader:
    """Fetches files into the folder ``cache``.

    Several threads may use it.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._local = threading.local()
        cache.mkdir(parents=True, exist_ok=True)

    def text(self, url: str) -> bytes | None:
        """Return the content of a file that has no checksum yet; None if there is none.

        Raises:
            OutsideError: the server fails.
        """
        try:
            answer = self._session().get(url, timeout=_TIMEOUT_S)
            if answer.status_code == _NOT_FOUND:
                return None
            answer.raise_for_status()
        except (OSError, requests.RequestException) as error:
            raise _failed(url, error) from error
        return bytes(answer.content)

    def fetch(self, file: RemoteFile, target: Path) -> bool:
        """Link a file from the cache to ``target``, after fetching it; False if there is none.

        Raises:
            OutsideError: the server fails, or has another content.
        """
        kept = self._cache / f"{file.algorithm}-{file.value}"
        if not self._is_whole(kept, file):
            part = kept.with_name(f"{kept.name}.part")
            if not self._complete(file, part):
                return False
            part.rename(kept)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        link_file(kept, target)
        return True

    def _is_whole(self, path: Path, file: RemoteFile) -> bool:
        return (
            path.is_file()
            and path.stat().st_size == (file.size_bytes or path.stat().st_size)
            and hash_file(path, file.algorithm) == file.value
        )

    def _complete(self, file: RemoteFile, part: Path) -> bool:
        """Fetch the rest of a file, in as many requests as it takes; False if there is none."""
        retry = _retry()
        is_second = False
        while True:
            before = _size(part)
            try:
                if not self._append(file, part, before):
                    return False
                if _size(part) < (file.size_bytes or 0):
                    raise OSError("cut short")  # noqa: TRY301 - as any other break
            except (OSError, requests.RequestException, HTTPError) as error:
                # Tries are counted from the last byte that arrived.
                retry = _waited(_retry() if _size(part) > before else retry, file, error)
                continue
            if self._is_whole(part, file):
                return True
            part.unlink(missing_ok=True)
            if is_second:  # damaged on the way: once more; on the server: it stays so
                raise _failed(file.url, OSError("another content than the index says"))
            is_second = True

    def _append(self, file: RemoteFile, part: Path, start: int) -> bool:
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._session().get(
            file.url, headers=headers, stream=True, timeout=_TIMEOUT_S
        ) as answer:
            if answer.status_code == _NOT_FOUND:
                return False
            if answer.status_code == _BEYOND:
                part.unlink()
                return True
            answer.raise_for_status()
            mode = "ab" if answer.status_code == _PARTIAL else "wb"
            with part.open(mode) as out:
                # Each byte that arrived is written before the connection can break.
                while chunk := answer.raw.read1(CHUNK_BYTES):
                    out.write(chunk)
                    out.flush()
        return True

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            session = requests.Session()
            session.headers["Accept-Encoding"] = "identity"  # indexes are compressed already
            for scheme in ("https://", "http://"):
                session.mount(scheme, HTTPAdapter(max_retries=_retry()))
            self._local.session = session
        return self._local.session  # type: ignore[no-any-return]


def _retry() -> Retry:
    return Retry(_TRIES, backoff_factor=0.1, status_forcelist=_STATUSES)


def _waited(retry: Retry, file: RemoteFile, error: Exception) -> Retry:
    """Return what is left of the tries, after a pause."""
    try:
        retry = retry.increment("GET", file.url, error=error)
    except MaxRetryError as end:
        raise _failed(file.url, error) from end
    retry.sleep()
    return retry


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def default_cache() -> Path:
    """Return the folder of the cache, by the XDG Base Directory Specification."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "fuel-upgrade" / "files"


def _failed(url: str, error: Exception) -> OutsideError:
    return OutsideError(f"{url}: {error}", remedy=_REMEDY)
