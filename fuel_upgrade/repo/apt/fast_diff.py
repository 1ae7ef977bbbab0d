"""Compare two apt repos by the text of their indexes, without parsing equal stanzas.

Equal stanzas have the same hash. A collision (64 bits, with a new key in each process) is not to be
expected and would be detected: the proof of a diff repo compares the identity of every package.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import chain, compress
from operator import itemgetter, methodcaller

from fuel_upgrade.repo.apt.stanza import parse_package
from fuel_upgrade.repo.apt.suite import AptSuite
from fuel_upgrade.repo.contradictions import EntryHashes
from fuel_upgrade.repo.diff import QuickDiff, diff
from fuel_upgrade.repo.package import Identity, Package, fingerprint_of
from fuel_upgrade.repo.version import compare_deb

ALGORITHM = "sha256"
_FIELD = b"Package: "
_cut_line, _is_usual = methodcaller("partition", b"\n"), methodcaller("startswith", _FIELD)
_first = itemgetter(0)


def compare_indexes(base: AptSuite, current: AptSuite) -> frozenset[str]:
    """Return the names of the packages whose stanzas are not identical in both.

    Memory holds the hashes and names of the base and the hashes of the current repo. Work for each
    stanza runs in loops of the interpreter (``map``), which take less time than reading the files.

    Raises:
        BundleError: an index is damaged, or a stanza is malformed.
    """
    lines: dict[int, bytes] = {}
    for batch in base.batches():
        lines.update(zip(map(hash, batch), _lines(batch, base), strict=True))
    seen: set[int] = set()
    touched: set[bytes] = set()
    for batch in current.batches():
        hashes = list(map(hash, batch))
        seen.update(hashes)
        is_fresh = [text not in lines for text in hashes]
        touched.update(_lines(list(compress(batch, is_fresh)), current))
    touched.update(lines[text] for text in lines.keys() - seen)
    return frozenset(line[len(_FIELD) :].strip().decode() for line in touched if line)


def _lines(texts: Sequence[bytes], repo: AptSuite) -> list[bytes]:
    """Return the line of each stanza that names the package, b"" for blank lines."""
    first_lines = list(map(_first, map(_cut_line, texts)))
    if all(map(_is_usual, first_lines)):
        return first_lines
    return [
        line if _is_usual(line) else _name_line(t, repo)
        for line, t in zip(first_lines, texts, strict=True)
    ]


def _name_line(text: bytes, repo: AptSuite) -> bytes:
    stanza = text.strip(b"\n")
    return _FIELD + parse_package(stanza, source=str(repo.root)).name.encode() if stanza else b""


def quick_diff(base: AptSuite, current: AptSuite, inherited: Sequence[Package]) -> QuickDiff | None:
    """Return what :func:`fuel_upgrade.repo.diff.diff` returns, or None if a SHA-256 is missing.

    Raises:
        BundleError: an index is damaged or malformed.
    """
    try:
        touched = compare_indexes(base, current) | {package.name for package in inherited}
        now, kept, size, hashes = _read_current(current, touched)
        entries = base.entries(algorithm=ALGORITHM, names=touched) if touched else ()
        before = [entry.package for entry in entries]
    except KeyError:
        return None
    for repo, packages in ((current, now), (base, before)):  # the others are equal in both
        if hashes.may_contradict(packages):
            _ = repo.packages  # reports a contradiction
    before += inherited
    part = diff(before, now, algorithm=ALGORITHM, compare=compare_deb)
    whole = replace(
        part,
        inherited=tuple(sorted((*kept, *part.inherited))),
        result_bytes=size,
        base_fingerprint=_fingerprint(kept, before),
        result_fingerprint=_fingerprint(kept, now),
    )
    return QuickDiff(whole, touched)


def _fingerprint(kept: Iterable[Identity], others: Iterable[Package]) -> str:
    return fingerprint_of(chain(kept, (p.identity(ALGORITHM) for p in others)), ALGORITHM)


def _read_current(
    repo: AptSuite, touched: Collection[str]
) -> tuple[list[Package], set[Identity], int, EntryHashes]:
    """Return the touched packages, identities and hashes of the others, and the size of all files.

    Raises:
        KeyError: a package lacks the SHA-256.
    """
    packages: list[Package] = []
    kept: set[Identity] = set()
    hashes = EntryHashes()
    sizes: dict[str, int] = {}
    for package in (entry.package for entry in repo.entries(algorithm=ALGORITHM)):
        sizes[package.location] = max(package.size_bytes, sizes.get(package.location, 0))
        if package.name in touched:
            packages.append(package)
        else:
            kept.add(package.identity(ALGORITHM))
            hashes.add(package)
    return packages, kept, sum(sizes.values()), hashes
