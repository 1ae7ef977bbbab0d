"""Comparing two apt repos by the text of their indexes: only what differs is parsed whole.

A stanza is never kept; what stays of one is its identity as a line of text, and for the base's
also its first fields, by which the same stanza is known again without being parsed.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, starmap

from fuel_upgrade.repo.apt import AptRepo
from fuel_upgrade.repo.deb import checked_location, parse_package
from fuel_upgrade.repo.diff import RepoDiff, diff
from fuel_upgrade.repo.package import Package
from fuel_upgrade.repo.version import compare_deb

ALGORITHM = "sha256"
# The order that Debian's own archive writes; any other is read by parse_package.
_HEAD = re.compile(
    rb"Package: (\S+)\n(?:Source: .+\n)?Version: (\S+)\n(?:[^A\n].*\n)*Architecture: (\S+)\n"
)
_FILE = re.compile(rb"\nFilename: (\S+)\nSize: (\d+)\n(?:MD5sum: .*\n)?(?:SHA1: .*\n)?SHA256: \w+$")
_NAME, _VERSION, _ARCHITECTURE = b"Package: ", b"\nVersion: ", b"\nArchitecture: "
_FIELD = b"\nSHA256: "
_TAIL = len(_FIELD) + 64  # the last line of a stanza, with the feed before it


class OtherChecksumsError(Exception):
    """An entry has no SHA-256: the two repos must be compared by another kind."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one repo holds: ``heads`` are the first fields of stanzas by their last line, which
    is the SHA-256; ``others`` are the identities of what is not written in that order; ``fresh``
    are the last lines of those that the base does not have like that.
    """  # noqa: D205 - one sentence each

    heads: Mapping[bytes, bytes]
    others: Mapping[bytes, None]
    fresh: Sequence[bytes]

    def lines(self) -> dict[bytes, None]:
        """Return every identity as ``name architecture version sha256:value``."""
        return dict.fromkeys(chain(starmap(_line, self.heads.items()), self.others))


def read_side(
    batches: Iterable[list[bytes]], more: Iterable[Package] = (), *, base: Side | None = None
) -> Side:
    """Take the identities of stanzas, and of ``more`` that the repo inherits.

    With ``base``, a stanza that begins and ends as one of the base is not looked into: the
    fields between them say nothing about identity.

    Raises:
        OtherChecksumsError: an entry has no SHA-256.
        BundleError: an entry is malformed.
    """
    others = dict.fromkeys(_line_of(package) for package in more)
    heads: dict[bytes, bytes] = {}
    fresh: list[bytes] = []
    recall, take = (base.heads if base else {}).get, heads.setdefault
    for stanza in chain.from_iterable(batches):
        tail = stanza[-_TAIL:]
        head = recall(tail)
        if head is None or not stanza.startswith(head):
            end = stanza.find(b"\n", stanza.find(_ARCHITECTURE) + 1) + 1
            head = stanza[:end]
            if not (tail.startswith(_FIELD) and head.startswith(_NAME) and _VERSION in head):
                others.update(_parsed_line(stanza))
                continue
            fresh.append(tail)
        if take(tail, head) != head:  # one content under two names
            others[_line(tail, head)] = None
    return Side(heads, others, fresh if base else ())


def _line(tail: bytes, head: bytes) -> bytes:
    version = head.find(_VERSION) + len(_VERSION)
    return b"%b %b %b sha256:%b" % (
        head[len(_NAME) : head.find(b"\n")].strip(),
        head[head.find(_ARCHITECTURE) + len(_ARCHITECTURE) : -1].strip(),
        head[version : head.find(b"\n", version)].strip(),
        tail[len(_FIELD) :].lower(),
    )


def _parsed_line(text: bytes) -> dict[bytes, None]:
    stanza = text.strip(b"\n")
    return {_line_of(parse_package(stanza, source="the index")): None} if stanza else {}


def _line_of(package: Package) -> bytes:
    value = dict(package.digests).get(ALGORITHM)
    if value is None:
        raise OtherChecksumsError
    return f"{package.name} {package.architecture} {package.version} sha256:{value}".encode()


def compare_indexes(
    base: AptRepo, current: AptRepo, inherited: Iterable[Package] = ()
) -> tuple[Side, Side, set[bytes]]:
    """Read two repos; return both, and each ``name architecture`` that may not be as it was.

    Raises:
        OtherChecksumsError: an entry has no SHA-256.
        BundleError: an index is damaged or malformed.
    """
    old = read_side(base.batches(), inherited)
    new = read_side(current.batches(), base=old)
    changed = [tail for tail in new.fresh if tail in old.heads]  # one content, another name
    lines = chain(
        (_line(tail, new.heads[tail]) for tail in new.fresh),
        (
            _line(tail, old.heads[tail])
            for tail in (*changed, *(old.heads.keys() - new.heads.keys()))
        ),
        old.others.keys() ^ new.others.keys(),
    )
    return old, new, {line.rsplit(b" ", 2)[0] for line in lines}


def quick_diff(base: AptRepo, current: AptRepo, inherited: Sequence[Package]) -> RepoDiff | None:
    """Return what :func:`fuel_upgrade.repo.diff.diff` would, or None where SHA-256 is lacking.

    Raises:
        BundleError: an index is damaged or malformed.
    """
    try:
        old_side, new_side, touched = compare_indexes(base, current, inherited)
    except OtherChecksumsError:
        return None
    old, new = old_side.lines(), new_side.lines()
    del old_side, new_side
    before = [p for p in (*_touched(base, touched), *inherited) if _key(p) in touched]
    packages = _packages(current)
    now = [p for line, p in packages.items() if line.rsplit(b" ", 2)[0] in touched]
    part = diff(before, now, algorithm=ALGORITHM, compare=compare_deb)
    ordered = sorted(new)
    return replace(
        part,
        inherited=tuple(packages[line] for line in ordered if line in old),
        base_fingerprint=_fingerprint(sorted(old)),
        result_fingerprint=_fingerprint(ordered),
    )


def _fingerprint(ordered: Sequence[bytes]) -> str:
    """Return the same as :func:`fuel_upgrade.repo.package.fingerprint`, of sorted lines."""
    digest = hashlib.sha256()
    for line in ordered:
        digest.update(line + b"\n")
    return "sha256:" + digest.hexdigest()


def _key(package: Package) -> bytes:
    return f"{package.name} {package.architecture}".encode()


def _touched(base: AptRepo, touched: set[bytes]) -> list[Package]:
    """Parse those stanzas of the base whose (name, architecture) did not stay as it was."""
    found = []
    for stanza in base.stanzas() if touched else ():
        head = _HEAD.match(stanza)
        if head is None or b"%b %b" % head.group(1, 3) in touched:
            found.append(parse_package(stanza, source=str(base.root)))
    return found


def _packages(repo: AptRepo) -> dict[bytes, Package]:
    """Return every package by its identity; a later entry of the same one counts."""
    found = {}
    for stanza in repo.stanzas():
        package = _usual_package(stanza, str(repo.root))
        found[_line_of(package)] = package
    return found


def _usual_package(stanza: bytes, source: str) -> Package:
    """Parse a stanza in the usual order quickly; any other as any."""
    head, end = _HEAD.match(stanza), _FILE.match(stanza, stanza.rfind(b"\nFilename: "))
    if head is None or end is None:
        return parse_package(stanza, source=source)
    name, version, architecture = head.groups()
    location, size = end.groups()
    return Package(
        name.decode(),
        architecture.decode(),
        version.decode(),
        int(size),
        checked_location(location.decode(), source=source),
        ((ALGORITHM, stanza[-64:].decode().lower()),),
    )
