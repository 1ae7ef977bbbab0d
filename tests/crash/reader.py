"""A reader of live repos in a process of its own; it ends when its standard input does.

It reads each repo in a loop: through one open folder (as ``cp -r`` or rsync in it do), and file
by file over HTTP, which finds its way from the top each time (as apt and dnf do). What it saw is
written to a file at its end, each different sight once.
"""

import hashlib
import http.client
import json
import os
import stat
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

GONE = "gone"  # the file does not exist any more


def describe(root: Path) -> dict[str, str]:
    """Return the checksum of every file below ``root``."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return dict(_walk(descriptor, ""))
    finally:
        os.close(descriptor)


def _walk(folder: int, above: str) -> Iterator[tuple[str, str]]:
    """Give every file below an open folder, never by the way from the top."""
    for name in sorted(os.listdir(folder)):
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
        except FileNotFoundError:
            yield above + name, GONE
            continue
        try:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                yield from _walk(descriptor, f"{above}{name}/")
            else:
                yield above + name, _checksum(descriptor)
        finally:
            os.close(descriptor)


def _checksum(descriptor: int) -> str:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def name_of(files: dict[str, str]) -> str:
    """Return a short name for an error of a read."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]


class Reader:
    """Reads the repos until it is stopped."""

    def __init__(self, top: Path, repos: list[str], port: int, files: list[str]) -> None:
        self._top = top
        self._repos = repos
        self._files = files
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._walks: Counter[tuple[str, str, bool]] = Counter()
        self._sights: dict[str, dict[str, str]] = {}
        self._missing: Counter[str] = Counter()
        self._fetched: Counter[tuple[str, str]] = Counter()

    def look(self) -> None:
        """Read every repo once in each way."""
        for repo in self._repos:
            self._walk(repo)
        for file in self._files:
            self._fetched[file, self._fetch(file)] += 1

    def _walk(self, repo: str) -> None:
        root = self._top / repo
        try:
            descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            self._missing[repo] += 1
            return
        try:
            seen = dict(_walk(descriptor, ""))
            is_overtaken = not _is_at(root, os.fstat(descriptor))
        finally:
            os.close(descriptor)
        name = name_of(seen)
        self._sights[name] = seen
        self._walks[repo, name, is_overtaken] += 1

    def _fetch(self, file: str) -> str:
        self._http.request("GET", f"/{file}")
        answer = self._http.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            return f"status {answer.status}"
        return hashlib.sha256(body).hexdigest()

    def report(self) -> dict[str, object]:
        """Return the observations as JSON values."""
        return {
            "walks": [[*key, count] for key, count in self._walks.items()],
            "sights": self._sights,
            "missing": dict(self._missing),
            "fetched": [[*key, count] for key, count in self._fetched.items()],
        }


def _is_at(path: Path, folder: os.stat_result) -> bool:
    """Return whether the path still leads to the open folder."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    return folder.st_nlink > 0 and (now.st_dev, now.st_ino) == (folder.st_dev, folder.st_ino)


def _await_end(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def _main(order: str) -> None:
    expected = json.loads(Path(order).read_text())
    reader = Reader(Path(expected["top"]), expected["repos"], expected["port"], expected["files"])
    stop = threading.Event()
    threading.Thread(target=_await_end, args=(stop,), daemon=True).start()
    count = os.open(expected["count"], os.O_WRONLY | os.O_CREAT)
    looks = 0
    while not stop.is_set():
        reader.look()
        looks += 1
        os.pwrite(count, f"{looks:010}".encode(), 0)
    Path(expected["report"]).write_text(json.dumps(reader.report()))


if __name__ == "__main__":
    _main(sys.argv[1])
