"""Read from yum metadata which names packages need and offer."""

from collections.abc import Iterable
from contextlib import suppress

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.requirements import Need, Offer, PackageSet, Relation, Requirements
from fuel_upgrade.repo.yum.createrepo import RpmPackage
from fuel_upgrade.repo.yum.metadata import YumMetadata, parse_metadata

_RPM_OPERATORS = {"LT": "<<", "LE": "<=", "EQ": "=", "GE": ">=", "GT": ">>"}
_RPM_ITSELF = ("rpmlib(", "solvable:")  # provided by rpm on the node, never by a package


def read_yum_requirements(repo: YumMetadata) -> tuple[PackageSet, ...]:
    """Return the one set of a yum repo. Files are offers if a package needs them.

    Raises:
        BundleError: the metadata is malformed.
    """
    packages: list[RpmPackage] = []
    primary = repo.metadata["primary"]

    def take(package: RpmPackage) -> None:
        if any(row[0] is None for row in (*package.requires, *package.provides)):
            raise BundleError(
                f"{primary}: {package.name} requires or provides something without a name",
                remedy="rebuild the metadata with createrepo_c",
            )
        packages.append(package)

    parse_metadata(primary, "primary", take, files=True)
    needed = {r[0] for package in packages for r in package.requires if r[0].startswith("/")}
    files = _files(packages, needed)
    if needed - set().union(*files.values()):  # primary lists only files that are often needed
        files |= _files(_with_files(repo), needed)
    requirements = (
        _rpm_requirements(package, files.get(package.pkgId, set())) for package in packages
    )
    return (PackageSet(RepoKind.YUM, "", tuple(requirements)),)


def _with_files(repo: YumMetadata) -> list[RpmPackage]:
    """Return the packages of filelists, as far as it can be read."""
    packages: list[RpmPackage] = []
    if "filelists" in repo.metadata:
        with suppress(BundleError):
            parse_metadata(repo.metadata["filelists"], "filelists", packages.append)
    return packages


def _files(packages: Iterable[RpmPackage], needed: set[str]) -> dict[str, set[str]]:
    return {
        package.pkgId: {path + name for _, path, name in (f[:3] for f in package.files)} & needed
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
