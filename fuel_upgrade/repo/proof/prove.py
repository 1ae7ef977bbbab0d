"""Prove that a base and a diff repo together are the release, package by package."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from itertools import chain
from typing import Any

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.description import DiffDescription
from fuel_upgrade.repo.package import Identity
from fuel_upgrade.repo.repo import IndexName
from fuel_upgrade.repo.repo_contents import Holding, hidden

SHOWN = 20  # packages that an error names; --json has them all
_CHECKSUM_DIGITS = 12  # enough to tell two contents of one version apart
_MAKE_AGAIN = "make the diff repo again with fuel-upgrade repo diff, from these two repos"
_REINDEX = "rebuild the indexes, with apt-ftparchive or createrepo_c, and make the diff repo again"
_LISTS = ("removed", "rebuilt", "downgraded", "changes")
_VALUES = ("kind", "algorithm", "carried_bytes", "result_bytes")


class FaultKind(Enum):
    """How base and diff differ from the release."""

    AMBIGUOUS = "an ambiguous entry: two libraries read the index differently"
    MISSING = "missing: the release has it, neither the diff repo nor its inheritance does"
    EXTRA = "extra: the release does not have it"
    NOT_IN_BASE = "inherited, but the base does not have it"
    HIDDEN = "inherited, but not in the base's index of this architecture"
    LOST = "carried, but not in an index where the release has it"
    MISPLACED = "in an index where the release does not have it"
    TWICE = "both carried and inherited"
    DESCRIPTION = "diff.yaml is wrong"


@dataclass(frozen=True, slots=True)
class Fault:
    """One difference; ``where`` names an index, or is empty."""

    kind: FaultKind
    what: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.kind.value}" + (f" ({self.where})" if self.where else "")

    def to_json(self) -> dict[str, str]:
        """Return the form that ``--json`` prints."""
        return {"kind": self.kind.name.lower(), "what": self.what, "where": self.where}


@dataclass(frozen=True, slots=True)
class Proof:
    """The numbers of compared packages, and the faults: none if ``proved``.

    ``proved_by`` is the library that read the indexes.
    """

    proved_by: str
    algorithm: str
    release: int
    carried: int
    inherited: int
    index_entries: int
    faults: tuple[Fault, ...]

    @property
    def proved(self) -> bool:
        """Whether base and diff are the release."""
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` prints."""
        faults = [fault.to_json() for fault in self.faults]
        return {"proved": self.proved, **asdict(self), "faults": faults}

    def require(self, source: str) -> None:
        """Raise if there are faults.

        Raises:
            BundleError: names the first faults and their number.
        """
        if self.proved:
            return
        shown = "; ".join(map(str, self.faults[:SHOWN]))
        more = len(self.faults) - SHOWN
        is_ambiguous = any(fault.kind is FaultKind.AMBIGUOUS for fault in self.faults)
        raise BundleError(
            f"{source}: base and diff are not the release: {len(self.faults)} fault(s): {shown}"
            + (f"; and {more} more" if more > 0 else ""),
            remedy=_REINDEX if is_ambiguous else _MAKE_AGAIN,
        )


def prove(
    base: Holding,
    diff: Holding,
    current: Holding,
    *,
    actual: DiffDescription,
    expected: DiffDescription,
) -> Proof:
    """Compare base and diff with the release, by identity, for every entry of every index.

    All identities have checksums of one algorithm. ``diff`` is the content of its indexes on disk,
    with the inheritance in its ``diff.yaml``, ``actual``; ``expected`` is the description made
    by the comparison of base and current.
    """
    faults = chain(
        _content_faults(base, diff, current),
        _index_faults(diff, current),
        _hidden_faults(base, diff, current),
        _fingerprint_faults(base, current, actual),
        _description_faults(actual, expected),
    )
    entries = sum(map(len, current.indexes.values()))
    return _proof(diff, actual.algorithm, len(current.content), entries, faults)


def prove_alone(diff: Holding, stated: DiffDescription) -> Proof:
    """Prove, without base and current, that ``diff.yaml`` belongs to the repo.

    Carried and inherited packages together must have the stated result fingerprint.
    """
    content = diff.content
    counts = {"carried": len(diff.own), "inherited": len(diff.inherited)}
    stated_counts = {name: stated.counts.get(name) for name in counts}
    faults = [Fault(FaultKind.TWICE, _text(i)) for i in sorted(diff.own & diff.inherited)]
    faults += _differences("counts", stated_counts, counts)
    actual = diff.fingerprint(stated.algorithm)
    faults += _differences("result_fingerprint", stated.result_fingerprint, actual)
    entries = sum(map(len, diff.indexes.values()))
    return _proof(diff, stated.algorithm, len(content), entries, faults)


def _proof(
    diff: Holding, algorithm: str, release: int, entries: int, faults: Iterable[Fault]
) -> Proof:
    return Proof(
        proved_by=diff.reader,
        algorithm=algorithm,
        release=release,
        carried=len(diff.own),
        inherited=len(diff.inherited),
        index_entries=entries,
        faults=tuple(faults),
    )


def _content_faults(base: Holding, diff: Holding, current: Holding) -> Iterator[Fault]:
    held, release = diff.content, current.content
    for kind, identities in (
        (FaultKind.MISSING, release - held),
        (FaultKind.EXTRA, held - release),
        (FaultKind.NOT_IN_BASE, diff.inherited - base.content),
        (FaultKind.TWICE, diff.own & diff.inherited),
    ):
        yield from (Fault(kind, _text(identity)) for identity in sorted(identities))


def _index_faults(diff: Holding, current: Holding) -> Iterator[Fault]:
    """Compare index by index the packages of both contents: others are reported already."""
    held, release = diff.content, current.content
    nothing: frozenset[Identity] = frozenset()
    for name in sorted(current.indexes.keys() | diff.indexes.keys()):
        if name not in diff.indexes:
            yield Fault(FaultKind.LOST, "the whole index", _index_text(name))
        here, there = current.indexes.get(name, nothing), diff.indexes.get(name, nothing)
        lost = (here - diff.inherited - there) & held
        misplaced = (there - here) & release
        for kind, identities in ((FaultKind.LOST, lost), (FaultKind.MISPLACED, misplaced)):
            yield from (Fault(kind, _text(i), _index_text(name)) for i in sorted(identities))


def _hidden_faults(base: Holding, diff: Holding, current: Holding) -> Iterator[Fault]:
    for architecture, identities in sorted(hidden(base, current).items()):
        for identity in sorted(identities & diff.inherited):
            yield Fault(FaultKind.HIDDEN, _text(identity), architecture)


def reading_faults(own: Holding, by_library: Holding) -> Iterator[Fault]:
    """Name the entries of a repo that its own reader does not read as the library does."""
    for name, identities in sorted(by_library.indexes.items()):
        for identity in sorted(identities ^ own.indexes[name]):
            yield Fault(FaultKind.AMBIGUOUS, _text(identity), _index_text(name))


def _fingerprint_faults(
    base: Holding, current: Holding, actual: DiffDescription
) -> Iterator[Fault]:
    for name, holding in (("base_fingerprint", base), ("result_fingerprint", current)):
        correct = holding.fingerprint(actual.algorithm)
        yield from _differences(name, getattr(actual, name), correct)


def _description_faults(actual: DiffDescription, expected: DiffDescription) -> Iterator[Fault]:
    """Compare all but the inheritance, which is compared package by package."""
    for name in _VALUES:
        yield from _differences(name, getattr(actual, name), getattr(expected, name))
    yield from _differences("counts", dict(actual.counts), dict(expected.counts))
    for name in _LISTS:
        stated, correct = set(getattr(actual, name)), set(getattr(expected, name))
        if name == "changes" and not stated:
            continue  # a file of an older fuel-upgrade has none
        yield from (_wrong(name, f"lacks {line!r}") for line in sorted(correct - stated))
        yield from (_wrong(name, f"has {line!r} too much") for line in sorted(stated - correct))


def _differences(name: str, actual: object, expected: object) -> Iterator[Fault]:
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        for key in sorted(actual.keys() | expected.keys()):
            yield from _differences(f"{name}.{key}", actual.get(key), expected.get(key))
    elif actual != expected:
        yield _wrong(name, f"expected {_value(expected)}, found {_value(actual)}")


def _value(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def _wrong(name: str, fault: str) -> Fault:
    return Fault(FaultKind.DESCRIPTION, f"{name} {fault}")


def _text(identity: Identity) -> str:
    package, _, checksum = identity.rpartition(" ")
    return f"{package} [{checksum[:_CHECKSUM_DIGITS]}]"


def _index_text(name: IndexName) -> str:
    component, architecture = name
    return f"{component}/binary-{architecture}" if component else "primary"
