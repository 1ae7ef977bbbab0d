"""Whether an earlier install of the very same tarball still stands, whole. Changes nothing."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.seal import SealedFile
from fuel_upgrade.bundle.verify import BundleHead, read_head
from fuel_upgrade.config import Config
from fuel_upgrade.errors import BundleError, PreflightError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.release.chain import compare_fuel_versions
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.release.nailgun_repos import read_release
from fuel_upgrade.release.readback import is_rendered_from
from fuel_upgrade.upgrade.plan.master import read_fuel_version
from fuel_upgrade.upgrade.records import INSTALL, InstallRecord, InstallState, StepRecord
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan
from fuel_upgrade.upgrade.transaction.journal import Journal


@dataclass(frozen=True, slots=True)
class Later:
    """What successful changes after an install have replaced of it: live paths, and releases."""

    paths: frozenset[Path]
    releases: frozenset[int]


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """The plan of a tarball that an earlier install, which is intact, has installed."""

    record: InstallRecord
    tarball: Path


def look_up(
    config: Config,
    control: ControlPlane,
    journal: Journal,
    tarball: Path,
    expected: SavedPlan | None = None,
) -> InstallRecord | None:
    """Return what :func:`find_installed` does; None too for what cannot be read as a tarball.

    Raises:
        ConfigError: ``expected`` is a plan of another tarball; and as :func:`find_installed`.
    """
    try:
        head = read_head(tarball)
    except BundleError:
        return None  # hooks may speak before it is refused
    if expected is not None:
        expected.refuse_other(tarball, head.seal_sha256)
    return find_installed(config, control, journal, head)


def find_installed(
    config: Config, control: ControlPlane, journal: Journal, head: BundleHead
) -> InstallRecord | None:
    """Return the last install of the Fuel version of ``head`` if it was of this tarball and stands.

    It stands if its releases are registered, its files are there, and its packages and indexes
    have their sizes; but for what a later change replaced. None too where this master runs a
    lower version, or a higher one and the install does not stand any more.

    Raises:
        PreflightError: this master runs that version, but not as the install left it.
        ControlPlaneError: Nailgun does not answer as it should.
    """
    done = [r for r in journal.installs() if r.state is InstallState.INSTALLED]
    same = [r for r in done if r.kind == INSTALL and r.fuel_to == head.fuel_version]
    if not same or same[-1].seal != head.seal_sha256:
        return None
    record = same[-1]
    try:
        compared = compare_fuel_versions(head.fuel_version, read_fuel_version(config))
    except PreflightError:
        return None  # the checks of an install will say what is wrong
    if compared > 0:
        return None
    later = _later(journal, done[done.index(record) + 1 :])
    steps = journal.steps(record.id)
    faults = (*_releases(steps, control.releases(), later), *_trees(head, steps, later))
    if faults and compared == 0:
        raise _not_whole(record, faults)
    return None if faults else record


def refuse_installed(record: InstallRecord) -> PreflightError:
    """Return the error for who wants one where there is nothing to do."""
    what = f"Fuel {record.fuel_to} is what this master already runs: install {record.id}"
    return PreflightError(
        what,
        remedy="leave out --fail-if-installed, or install another tarball",
        code="already-installed",
    )


def installed_already(record: InstallRecord) -> dict[str, str]:
    """Return the event of an install that has nothing to do."""
    return {
        "event": "installed already",
        "install": record.id,
        "fuel_version": record.fuel_to,
    }


def _not_whole(record: InstallRecord, faults: tuple[str, ...]) -> PreflightError:
    now = f"Fuel {record.fuel_to} is what this master already runs"
    failures = tuple(f"{now}, but not as install {record.id} left it: {f}" for f in faults)
    return PreflightError(
        "; ".join(failures),
        remedy=f"put back what is missing; fuel-upgrade show {record.id} says what it installed",
        failures=failures,
        code="installed-not-whole",
    )


def _later(journal: Journal, records: Iterable[InstallRecord]) -> Later:
    steps = [step for record in records for step in journal.steps(record.id)]
    paths = {Path(step.params["live"]) for step in steps if step.kind == "switch"}
    releases = {int(step.params["id"]) for step in steps if step.kind == "reregister"}
    return Later(frozenset(paths), frozenset(releases))


def _releases(
    steps: Iterable[StepRecord], registered: Iterable[RegisteredRelease], later: Later
) -> Iterator[str]:
    """Name the releases of the install that are not registered as it registered them."""
    known = {(r.name, r.version, r.operating_system): r for r in registered}
    for step in steps:
        if step.kind != "register":
            continue
        body = step.params["body"]
        found = known.get((body["name"], body["version"], body["operating_system"]))
        name = f"release {body['name']} ({body['version']}) for {body['operating_system']}"
        posted = read_release({**body, "id": 0}).orchestrator
        if found is None:
            yield f"{name} is not registered"
        elif found.id not in later.releases and not (posted and is_rendered_from(posted, found)):
            yield f"{name}, id {found.id}, has other repos or puppet sources"


def _trees(head: BundleHead, steps: Iterable[StepRecord], later: Later) -> Iterator[str]:
    """Name the trees, files and links of the install that are not there, or not whole."""
    steps = tuple(steps)
    unpack = next(step.params for step in steps if step.kind == "unpack")
    switches = [step.params for step in steps if step.kind == "switch"]
    parts = _parts(head, unpack["stagings"], {params["staged"] for params in switches})
    for params in switches:
        live, staged = Path(params["live"]), params["staged"]
        if live in later.paths:
            continue
        target = unpack["links"].get(staged)
        if target is not None:
            if not live.is_symlink() or str(live.readlink()) != target:
                yield f"{live} is not a link to {target}"
        elif not os.path.lexists(live):
            yield f"{live} is missing"
        else:
            yield from _lacks(live, parts.get(staged, {}))


def _parts(
    head: BundleHead, stagings: Mapping[str, str], switched: Collection[str]
) -> dict[str, dict[str, tuple[SealedFile, bool]]]:
    """Return the sealed files below each path in ``switched``, and whether each is a repo's.

    The files are keyed by what follows that path. Each is looked at once, whatever the number of
    paths: the cost is that of the files and their depth.
    """
    parts: dict[str, dict[str, tuple[SealedFile, bool]]] = {}
    for path, sealed in head.sealed.items():
        prefix = max((p for p in stagings if path.startswith(p)), key=len)
        staged = os.path.normpath(f"{stagings[prefix]}/{path.removeprefix(prefix)}")
        top = next((t for t in (staged, *map(str, Path(staged).parents)) if t in switched), None)
        if top is not None:
            parts.setdefault(top, {})[staged.removeprefix(top)] = sealed, prefix == manifest.REPOS
    return parts


def _lacks(live: Path, parts: Mapping[str, tuple[SealedFile, bool]]) -> Iterator[str]:
    """Say how many of the files below a live path are missing, or of another size in a repo.

    Elsewhere only what is missing counts: operators do change manifests.
    """
    lacking = [place for place, part in parts.items() if not _is_there(f"{live}{place}", *part)]
    if lacking:
        yield (
            f"{len(lacking)} of the {len(parts)} files of {live} are missing or not whole:"
            f" {live}{min(lacking)} first"
        )


def _is_there(path: str, sealed: SealedFile, is_of_repo: bool) -> bool:  # noqa: FBT001 - a part
    try:
        info = os.lstat(path)
    except OSError:
        return False
    return not is_of_repo or sealed.link_target is not None or info.st_size == sealed.length_bytes
