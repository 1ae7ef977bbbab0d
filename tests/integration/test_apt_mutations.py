"""Mutated real indexes, read by this project, by apt's own parser and by python-debian."""

import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt import library_reader
from fuel_upgrade.repo.apt.index_files import read_batches
from fuel_upgrade.repo.apt.stanza import parse_by_sha256, parse_package
from fuel_upgrade.system import process
from tests.integration.test_apt_stanzas import SEED, mutated, packages_at_once, stanza
from tests.tools import needs, needs_apt_pkg

pytestmark = [needs("apt-cache"), needs_apt_pkg()]
MUTATIONS = int(os.environ.get("STANZA_MUTATIONS", "600"))
AT_ONCE = 1000
ENTRIES = 2000
NEEDED = ("Package: ", "Version: ", "Architecture: ", "Filename: ", "Size: ", "SHA256: ")
Read = tuple[str, ...] | None  # the sorted identities of an index; None if it is refused
# Prints the fields of each entry of each index on a line, and a line with NUL after an index.
APT = r"""
import sys, apt_pkg
keys = ("Package", "Architecture", "Version", "SHA256")
for path in sys.stdin.read().split():
    lines = []
    try:
        index = apt_pkg.TagFile(path, bytes=True)
        while index.step():
            values = [(index.section.get(key) or b"").strip() for key in keys]
            lines.append(b" ".join((*values[:3], values[3].lower())).replace(b"\n", b"|") + b"\n")
    except (apt_pkg.Error, SystemError):
        lines = [b"refused\n"]
    sys.stdout.buffer.write(b"".join(lines) + b"\0\n")
"""


def real_entries() -> list[bytes]:
    """Return entries of the indexes that apt of this machine has; without any, of our own."""
    text = process.run(["apt-cache", "dumpavail"], timeout_s=600).encode()
    whole = [e for e in text.split(b"\n\n") if all(f"\n{n}".encode() in b"\n" + e for n in NEEDED)]
    return whole[:: max(1, len(whole) // ENTRIES)] or [stanza(0, n) for n in range(1, ENTRIES)]


def texts() -> Iterator[bytes]:
    chance, entries = random.Random(SEED), real_entries()
    for _ in range(MUTATIONS):
        text = b"\n\n".join(entry.strip(b"\n") for entry in chance.choices(entries, k=3)) + b"\n"
        for _ in range(chance.choice((1, 1, 2, 3, 5))):
            text = mutated(text, chance)
        yield text


def read_here(path: Path) -> Read:
    try:
        stanzas = [s for batch in read_batches(path) for text in batch if (s := text.strip(b"\n"))]
        identities = [parse_package(s, source="p").identity("sha256") for s in stanzas]
        fast = [parse_by_sha256(s, source="p") for s in stanzas]
        at_once = packages_at_once(path)
    except (BundleError, KeyError):
        return None
    assert [p.identity("sha256") for p in fast] == identities, path.read_bytes()
    assert at_once == fast, path.read_bytes()
    return tuple(sorted(identities))


def identities_of(path: Path) -> Iterator[str]:
    for part in library_reader.read_identities([path], "sha256"):
        yield from part.identities
        yield from (identity for identity, _ in part.incomplete)


def read_by_python_debian(path: Path) -> Read:
    try:
        return tuple(sorted(identities_of(path)))
    except BundleError:
        return None


def read_by_apt(paths: list[Path]) -> list[Read]:
    names = " ".join(map(str, paths))
    argv = ["/bin/sh", "-c", 'printf %s "$1" | /usr/bin/python3 -I -c "$2"', "-", names, APT]
    parts = process.run(argv, timeout_s=600).split("\0\n")[:-1]
    return [None if part == "refused\n" else tuple(sorted(part.split("\n")[:-1])) for part in parts]


def test_three_readers_agree_or_the_proof_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader of a proof is apt's or python-debian: neither may confirm what apt denies."""
    monkeypatch.setattr(library_reader, "_BINDINGS", Path("/nonexistent"))  # for python-debian
    paths = [tmp_path / f"{number}_Packages" for number in range(AT_ONCE)]
    outcomes: Counter[str] = Counter()
    waiting = texts()
    while batch := list(islice(waiting, AT_ONCE)):
        used = paths[: len(batch)]
        for path, text in zip(used, batch, strict=True):
            path.write_bytes(text)
        for path, expected in zip(used, read_by_apt(used), strict=True):
            here, debian = read_here(path), read_by_python_debian(path)
            outcomes[outcome(here, expected)] += 1
            outcomes["python-debian equals apt"] += debian == expected
            if here is not None and expected is not None:
                assert here == expected, path.read_bytes()
            if here is not None and here == debian:
                assert here == expected, path.read_bytes()
    sys.stdout.write(f"\n{MUTATIONS} indexes: {dict(outcomes)}\n")
    assert outcomes["equal"] > MUTATIONS // 2


def outcome(here: Read, expected: Read) -> str:
    if here is None:
        return "refused by both" if expected is None else "refused here"
    return "equal" if here == expected else "refused by apt"
