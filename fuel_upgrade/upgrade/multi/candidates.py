"""Reads the input for ordering several tarballs: their headers, and the releases of the master."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.bundle.manifest import RepoPart
from fuel_upgrade.bundle.tarball_file import ISO_SUFFIX, SUFFIXES
from fuel_upgrade.bundle.verify import BundleHead, read_head
from fuel_upgrade.config import Config
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.outside_text import is_unicode
from fuel_upgrade.release.model import ReleaseKey
from fuel_upgrade.upgrade.multi.order import Inherited, Offer, Present
from fuel_upgrade.upgrade.plan.base_match import needs, sealed_checksums
from fuel_upgrade.upgrade.plan.base_search import Holdings
from fuel_upgrade.upgrade.plan.master import read_fuel_version
from fuel_upgrade.upgrade.review.earlier_install import find_installed
from fuel_upgrade.upgrade.transaction.journal import Journal

_SEALED_BY = "sha256"


@dataclass(frozen=True, slots=True)
class Survey:
    """The input of :func:`fuel_upgrade.upgrade.multi.order.find_order`, and each offer's path."""

    offers: tuple[Offer, ...]
    present: Present
    paths: Mapping[str, Path]


def find_tarballs(places: Sequence[Path]) -> tuple[Path, ...]:
    """Return the given files, and the tarballs directly inside the given folders, each once.

    Raises:
        ConfigError: a folder holds no tarball, or a path is not UTF-8.
    """
    tarballs: dict[Path, None] = {}
    for place in places:
        inside = [place]
        if place.is_dir():
            names = sorted(p for p in place.iterdir() if p.name.endswith((*SUFFIXES, ISO_SUFFIX)))
            # A tarball is opened without following links: those of a named folder are meant.
            inside = [path.resolve() if path.is_symlink() else path for path in names]
            if not inside:
                raise ConfigError(
                    f"{place}: no tarball in this folder (looked for *.tar.zst, *.tar and *.iso)",
                    remedy="name the folder that contains the upgrade tarballs",
                )
        tarballs.update(dict.fromkeys(inside))
    if odd := [path for path in tarballs if not is_unicode(str(path))]:
        raise ConfigError(
            f"{odd[0]}: the path of this tarball is not UTF-8, as the journal is",
            remedy="rename the tarball or its folder",
        )
    return tuple(tarballs)


def read_survey(
    config: Config, control: ControlPlane, journal: Journal, tarballs: Sequence[Path]
) -> Survey:
    """Read the headers of the tarballs, and the indexes of every release on the master.

    Raises:
        ConfigError, BundleError: a file is no upgrade tarball.
        PreflightError: the Fuel version of the master cannot be read, or its install is damaged.
        ControlPlaneError: Nailgun does not answer.
    """
    try:
        heads = [read_head(path) for path in tarballs]
    except BundleError as error:
        raise error.amended(state="nothing was changed") from error
    holdings = Holdings(config)
    releases: dict[ReleaseKey, frozenset[str]] = {}
    for release in control.releases():
        if release.orchestrator is not None:
            releases[release.version, release.os_key] = holdings.checksums(release)
    intact = [h for h in heads if find_installed(config, control, journal, h)]
    seals = frozenset(head.seal_sha256 for head in intact)
    present = Present(read_fuel_version(config), releases, seals)
    names = _names(tarballs)
    offers = tuple(offer(head, name) for head, name in zip(heads, names, strict=True))
    return Survey(offers, present, dict(zip(names, tarballs, strict=True)))


def _names(tarballs: Sequence[Path]) -> tuple[str, ...]:
    """Name each tarball by its file name, or by its path where two file names are equal."""
    short = Counter(path.name for path in tarballs)
    return tuple(p.name if short[p.name] == 1 else str(p) for p in tarballs)


def offer(head: BundleHead, name: str) -> Offer:
    """Return the offer of a tarball, from its header."""
    own = sealed_checksums(head, {repo.folder for repo in head.repos})
    return Offer(
        name=name,
        fuel_version=head.fuel_version,
        upgrade_from=frozenset(head.description.upgrade_from),
        seal=head.seal_sha256,
        brings={(r.version, r.os_key): _inherits(head, r).union(own.get(r.folder, ()))
                for r in head.repos},
        wants=tuple(_inherited(head)),
        unpacked_bytes=head.unpacked_bytes,
    )  # fmt: skip


def _inherits(head: BundleHead, repo: RepoPart) -> frozenset[str]:
    described = head.descriptions.get((repo.version, repo.os_key))
    if described is None:
        return frozenset()
    return frozenset(p.digest(described.algorithm) for p in described.inherited_packages())


def _inherited(head: BundleHead) -> Iterable[Inherited]:
    for need in needs(head):
        sums = None
        if need.algorithm == _SEALED_BY or not need.inherited:
            sums = frozenset(p.digest(need.algorithm) for p in need.inherited)
        yield Inherited(need.named, need.os_key, sums)
