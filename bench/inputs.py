"""The pairs of measured repos: named by the environment, or generated, always the same."""

import os
import random
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

PACKAGES = 63_440  # as many as Debian 12 has for one architecture
CHANGED_EVERY = 50  # about the share that security and point updates change of a stable release
_WORDS = [f"lib{a}{b}" for a in ("foo", "bar", "qux") for b in ("-dev", "-common", "1", "-perl")]


def index_pair(folder: Path) -> tuple[Path, Path]:
    """Return two apt repos that have indexes only."""
    named = os.environ.get("BENCH_INDEX_BASE"), os.environ.get("BENCH_INDEX_CURRENT")
    if named[0] and named[1]:
        return Path(named[0]), Path(named[1])
    for side in ("base", "current"):
        path = folder / side / "dists/stable/main/binary-amd64/Packages"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(_stanzas(side)))
    return folder / "base", folder / "current"


def _stanzas(side: str) -> Iterator[bytes]:
    draw = random.Random(3)
    for number in range(PACKAGES):
        content = side if number % CHANGED_EVERY == 0 else "both"
        yield _stanza(number, content, draw)


def _stanza(number: int, content: str, draw: random.Random) -> bytes:
    name, version = f"package-{number:05}", f"{number % 9}.{number % 31}-1"
    depends = ", ".join(draw.sample(_WORDS, draw.randint(2, 10)))
    return (
        f"Package: {name}\nVersion: {version}\nInstalled-Size: {number}\n"
        f"Maintainer: Bench Team <bench@example.org>\nArchitecture: amd64\n"
        f"Depends: {depends}\nDescription: package number {number}\n"
        f"Homepage: https://example.org/{name}\n"
        f"Description-md5: {number:032x}\nTag: {', '.join(draw.choices(_WORDS, k=25))}\n"
        f"Section: libs\nPriority: optional\n"
        f"Filename: pool/main/p/{name}/{name}_{version}_amd64.deb\nSize: {number + 1}\n"
        f"MD5sum: {number:032x}\nSHA256: {sha256(f'{name} {content}'.encode()).hexdigest()}\n\n"
    ).encode()


def package_pair() -> tuple[Path, Path] | None:
    """Return two apt repos with their packages if the environment names them."""
    named = os.environ.get("BENCH_APT_BASE"), os.environ.get("BENCH_APT_CURRENT")
    return (Path(named[0]), Path(named[1])) if named[0] and named[1] else None


def made_up_pair(folder: Path, count: int = 400) -> tuple[Path, Path]:
    """Build two apt repos of ``count`` real packages each, of which a third differ."""
    from demo.packages import Recipe, make_apt_repo  # noqa: PLC0415 - only where it is needed

    pair = folder / "base", folder / "current"
    for root in pair:
        recipes = [
            Recipe(f"p{n:03}", "1.0-1", root.name if n % 3 == 0 else "both") for n in range(count)
        ]
        make_apt_repo(root, recipes, architectures=("amd64",))
    return pair
