"""Mutated apt indexes, read by this project and by the real apt."""

import os
import random
import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from demo.nodes import AptNode
from fuel_upgrade.errors import BundleError, OutsideError
from fuel_upgrade.repo.apt.columns import read_columns
from fuel_upgrade.repo.apt.index_files import read_batches, read_parts
from fuel_upgrade.repo.apt.stanza import parse_by_sha256, parse_package
from fuel_upgrade.repo.package import Package
from tests.tools import needs

pytestmark = needs("apt-get", "apt-cache")
MUTATIONS = int(os.environ.get("EXAMPLES", "20")) * 10
AT_ONCE = 20
SEED = int(os.environ.get("STANZA_SEED", "1"))
LINE_ENDS = (b"\r\n", b"\n\n", b"\n\r\n", b"\n\r\r\n", b"\n \n", b"\n\t\n", b" \n", b"\n\n\n")
NAMES = (b"Package", b"Version", b"Architecture", b"Filename", b"Size", b"SHA256")


def stanza(text: int, number: int) -> bytes:
    """Return an entry whose values are of no other entry of any text."""
    number += 10 * text
    lines = (
        b"Package: p%d" % number,
        b"Source: s",
        b"Version: 1:%d.0-1" % number,
        b"Installed-Size: 9",
        b"Architecture: amd64",
        b"Depends: a (>= 1), b",
        b"Filename: pool/p%d.deb" % number,
        b"Size: %d" % number,
        b"SHA256: %064x" % number,
        b"Description: one\n two\n .\n  three",
    )
    return b"\n".join(lines) + b"\n"


def mutated(text: bytes, chance: random.Random) -> bytes:  # noqa: PLR0911 - a case a kind
    """Change one place of a text: a line end, a field, its name, or the end of the text."""
    ends = [at for at, byte in enumerate(text) if byte == ord("\n")]
    at = chance.choice(ends)
    name = chance.choice(NAMES)
    match chance.randrange(7):
        case 0:
            return text[:at] + chance.choice(LINE_ENDS) + text[at + 1 :]
        case 1:
            return text.replace(b"\n", b"\r\n")
        case 2:
            return (
                text[: at + 1]
                + chance.choice((name, name.lower(), name.upper()))
                + chance.choice((b": ", b":", b" : "))
                + (b"x%d\n" if name == b"Package" else b"%d\n") % chance.getrandbits(40)
                + text[at + 1 :]
            )
        case 3:
            return text.replace(name + b": ", name + chance.choice((b":", b":\t", b":  ", b": \r")))
        case 4:
            return re.sub(rb"(?m)^" + name + b":", name.lower() + b":", text)
        case 5:
            return text.rstrip(b"\n")
        case _:
            return text[:at] + text[at + 1 :]


def texts(count: int) -> list[bytes]:
    chance = random.Random(SEED)
    made = []
    for number in range(count):
        text = b"\n".join(stanza(number, n) for n in range(1, 4))
        for _ in range(chance.choice((1, 1, 2, 3))):
            text = mutated(text, chance)
        made.append(text)
    return made


def read_by_apt(node: AptNode, paths: Sequence[Path]) -> dict[Path, set[tuple[str, ...]] | None]:
    """Return the packages of each index, each in a flat repo; None where apt refuses it."""
    lines = [f"deb [trusted=yes] copy:{path.parent} ./\n" for path in paths]
    try:
        node.apply({"etc/apt/sources.list": "".join(lines)})
        names = node.names()
        uris = node.uris(names) if names else ""
    except OutsideError:
        if len(paths) == 1:
            return {paths[0]: None}
        half = len(paths) // 2
        return read_by_apt(node, paths[:half]) | read_by_apt(node, paths[half:])
    packages: dict[Path, set[tuple[str, ...]] | None] = {path: set() for path in paths}
    for line in re.split(r"\n(?='copy:)", uris.rstrip("\n")) if uris else ():
        path = next(path for path in paths if line.startswith(f"'copy:{path.parent}/"))
        match = re.fullmatch(r"'copy:([^%]+)' (\S+) (\d+) (SHA256:[0-9a-f]{64})", line)
        if not match or (entries := packages[path]) is None:
            packages[path] = None  # a value of garbage, which is taken as it is
            continue
        uri, file, size, checksum = match.groups()
        location = uri.removeprefix(f"{path.parent}/").removeprefix("./")
        name, version, _ = file.split("_")
        entries.add((name, unquote(version), location, size, checksum))
    return packages


def values(package: Package) -> tuple[str, ...]:
    checksum = f"SHA256:{package.digest('sha256')}"
    place = (package.location.removeprefix("./"), str(package.size_bytes), checksum)
    return (package.name, package.version, *place)


def packages_at_once(path: Path) -> list[Package]:
    parts = read_parts(path, partial(read_columns, source="p"))
    return [p for columns in parts for p in columns.packages([True] * len(columns.identities))]


def read(path: Path) -> set[tuple[str, ...]] | None:
    """Return the packages of an index, None for a refusal; all ways of reading must agree."""
    try:
        stanzas = [s for batch in read_batches(path) for text in batch if (s := text.strip(b"\n"))]
        packages = [parse_package(s, source="p") for s in stanzas]
        fast = [parse_by_sha256(s, source="p") for s in stanzas]
        at_once = packages_at_once(path)
    except (BundleError, KeyError):
        return None
    assert list(map(values, fast)) == list(map(values, packages)), path.read_bytes()
    assert at_once == fast, path.read_bytes()
    return {values(p) for p in packages if p.architecture == "amd64"}  # as apt's root


def test_stanzas_are_those_that_apt_reads(tmp_path: Path) -> None:
    paths = []
    for number, text in enumerate(texts(MUTATIONS)):
        paths.append(tmp_path / f"r{number}" / "Packages")
        paths[-1].parent.mkdir()
        paths[-1].write_bytes(text)
    node = AptNode(tmp_path / "apt")
    outcomes: Counter[str] = Counter()
    for start in range(0, len(paths), AT_ONCE):
        for path, expected in read_by_apt(node, paths[start : start + AT_ONCE]).items():
            actual = read(path)
            if expected is None or actual is None:
                outcomes["refused by apt" if expected is None else "refused here"] += 1
                continue
            outcomes["equal"] += 1
            assert actual == expected, path.read_bytes()
    assert outcomes["equal"] > MUTATIONS // 2, outcomes
