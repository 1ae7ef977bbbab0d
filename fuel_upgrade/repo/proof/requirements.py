"""Reading from indexes what packages need and offer."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from debian.deb822 import PkgRelation

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.stanza import AptEntry
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.proof.dependencies import Need, Offer, PackageSet, Relation, Requirements
from fuel_upgrade.repo.yum.createrepo import RpmPackage, createrepo_c
from fuel_upgrade.repo.yum.repo import YumRepo

_FIELDS = re.compile(
    rb"^(Depends|Pre-Depends|Provides|Multi-Arch):[ \t]*(.*(?:\n[ \t].*)*)",
    re.MULTILINE | re.IGNORECASE,
)
_CROSSING = ("allowed", "foreign")
_RPM_OPERATORS = {"LT": "<<", "LE": "<=", "EQ": "=", "GE": ">=", "GT": ">>"}
_OLD_OPERATORS = {"<": "<=", ">": ">="}  # as dpkg still reads them
_RPM_ITSELF = ("rpmlib(", "solvable:")  # met by the node's rpm, never by a package


def read_apt_requirements(entries: Iterable[AptEntry]) -> tuple[PackageSet, ...]:
    """Make one set an architecture, of all components; each has the index for all besides."""
    found: dict[str, list[Requirements]] = {}
    parse = _RelationParser()
    for entry in entries:
        read = _apt_requirements(entry, parse)
        found.setdefault(entry.index_architecture, []).append(read)
    for_all = found.pop("all", []) if len(found) > 1 else []
    return tuple(
        PackageSet(RepoKind.APT, architecture, tuple(dict.fromkeys((*packages, *for_all))))
        for architecture, packages in found.items()
    )


def _apt_requirements(entry: AptEntry, parse: "_RelationParser") -> Requirements:
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
    """Parses dependency fields; most texts stand in thousands of packages, so each once."""

    def __init__(self) -> None:
        self._known: dict[str, Need] = {}

    def needs(self, field: str) -> Iterator[Need]:
        """Give the dependencies of a field, in order."""
        for part in field.split(","):
            text = " ".join(part.split())
            if text and text not in self._known:
                self._known[text] = Need(text, _alternatives(text))
            if text:
                yield self._known[text]


def _alternatives(text: str) -> tuple[Relation, ...]:
    parsed = PkgRelation.parse_relations(text)[0]
    return tuple(_relation(one) for one in parsed)


def _relation(one: Mapping[str, object]) -> Relation:
    version = one.get("version")
    operator, number = map(str, version) if isinstance(version, tuple) else ("", "")
    return Relation(
        name=str(one["name"]),
        operator=_OLD_OPERATORS.get(operator, operator),
        version=number,
        qualifier=str(one.get("archqual") or ""),
    )


def read_yum_requirements(repo: YumRepo) -> tuple[PackageSet, ...]:
    """Make the one set of a yum repo. Files count as offers where a package needs them.

    Raises:
        BundleError: the metadata is malformed.
    """
    packages = list(_parsed(repo.metadata["primary"], "primary"))
    wanted = {r[0] for package in packages for r in package.requires if r[0].startswith("/")}
    files = _files(packages, wanted)
    if wanted - set().union(*files.values()):  # primary has only the files that are often needed
        files = _files(_parsed(repo.metadata["filelists"], "filelists"), wanted)
    found = (_rpm_requirements(package, files.get(package.pkgId, set())) for package in packages)
    return (PackageSet(RepoKind.YUM, "", tuple(found)),)


def _parsed(path: Path, kind: str) -> list[RpmPackage]:
    found: list[RpmPackage] = []
    try:
        if kind == "primary":
            createrepo_c.xml_parse_primary(str(path), pkgcb=found.append, do_files=True)
        else:
            createrepo_c.xml_parse_filelists(str(path), pkgcb=found.append)
    except createrepo_c.CreaterepoCError as error:
        raise BundleError(
            f"{path}: {error}", remedy="rebuild the metadata with createrepo_c"
        ) from error
    return found


def _files(packages: Iterable[RpmPackage], wanted: set[str]) -> dict[str, set[str]]:
    return {
        package.pkgId: {path + name for _, path, name in (f[:3] for f in package.files)} & wanted
        for package in packages
    }


def _rpm_requirements(package: RpmPackage, files: set[str]) -> Requirements:
    epoch = f"{package.epoch}:" if package.epoch not in (None, "", "0") else ""
    evr = f"{epoch}{package.version}-{package.release}"
    offers = [Offer(row[0], _evr(row) or None) for row in package.provides]
    needs = dict.fromkeys(
        _rpm_need(row) for row in package.requires if not row[0].startswith(_RPM_ITSELF)
    )
    return Requirements(
        f"{package.name} {package.arch} {evr}",
        tuple(needs),
        (Offer(package.name, evr), *offers, *(Offer(path) for path in sorted(files))),
    )


def _rpm_need(row: tuple[str, str | None, str | None, str | None, str | None, bool]) -> Need:
    name, version = row[0], _evr(row)
    operator: str = _RPM_OPERATORS.get(row[1] or "", "")
    if name.startswith("("):
        return Need(name, ())  # a rich dependency: a formula, not a name
    text = f"{name} {operator} {version}" if operator else name
    return Need(text, (Relation(name, operator, version),))


def _evr(row: tuple[str, str | None, str | None, str | None, str | None, bool]) -> str:
    _, _, epoch, version, release, *_ = row
    if not version:
        return ""
    prefix = f"{epoch}:" if epoch not in (None, "", "0") else ""
    return f"{prefix}{version}" + (f"-{release}" if release else "")
