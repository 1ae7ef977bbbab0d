"""Parse dependency fields of apt entries."""

import re
from collections.abc import Iterable, Iterator, Mapping

from debian.deb822 import PkgRelation

from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.repo import Entry
from fuel_upgrade.repo.requirements import Need, Offer, PackageSet, Relation, Requirements

_FIELDS = re.compile(
    rb"^(Depends|Pre-Depends|Provides|Multi-Arch):[ \t]*(.*(?:\n[ \t].*)*)",
    re.MULTILINE | re.IGNORECASE,
)
_CROSSING = ("allowed", "foreign")
_OLD_OPERATORS = {"<": "<=", ">": ">="}  # dpkg still accepts them


def read_apt_requirements(entries: Iterable[Entry]) -> tuple[PackageSet, ...]:
    """Return one set for each architecture: all its components, and the index for all."""
    sets: dict[str, list[Requirements]] = {}
    parse = _RelationParser()
    for entry in entries:
        sets.setdefault(entry.index_architecture, []).append(_requirements(entry, parse))
    for_all = sets.pop("all", []) if len(sets) > 1 else []
    return tuple(
        PackageSet(RepoKind.APT, architecture, tuple(dict.fromkeys((*packages, *for_all))))
        for architecture, packages in sets.items()
    )


def _requirements(entry: Entry, parse: "_RelationParser") -> Requirements:
    fields = {
        key.lower(): value.decode(errors="replace") for key, value in _FIELDS.findall(entry.stanza)
    }
    crosses = fields.get(b"multi-arch", "").strip().lower() in _CROSSING
    needs = [
        need for name in (b"pre-depends", b"depends") for need in parse.needs(fields.get(name, ""))
    ]
    provided = [relation for need in parse.needs(fields.get(b"provides", ""))
                for relation in need.alternatives]  # fmt: skip
    own = Offer(entry.package.name, entry.package.version, crosses)
    virtual = (Offer(r.name, r.version or None, crosses) for r in provided)
    return Requirements(str(entry.package), tuple(needs), (own, *virtual))


class _RelationParser:
    """Parses dependency fields, each distinct text once: most occur in thousands of packages."""

    def __init__(self) -> None:
        self._known: dict[str, Need] = {}

    def needs(self, field: str) -> Iterator[Need]:
        """Yield the dependencies of a field, in order."""
        for part in field.split(","):
            text = " ".join(part.split())
            if text and text not in self._known:
                self._known[text] = Need(text, _alternatives(text))
            if text:
                yield self._known[text]


def _alternatives(text: str) -> tuple[Relation, ...]:
    return tuple(map(_relation, PkgRelation.parse_relations(text)[0]))


def _relation(parsed: Mapping[str, object]) -> Relation:
    version = parsed.get("version")
    operator, number = map(str, version) if isinstance(version, tuple) else ("", "")
    return Relation(
        name=str(parsed["name"]),
        operator=_OLD_OPERATORS.get(operator, operator),
        version=number,
        qualifier=str(parsed.get("archqual") or ""),
    )
