"""Which releases can be retired, as a plan that people review; pure, nothing is read here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from fuel_upgrade.release.chain import fuel_part, newest_version_first
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.system.size import say_size


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registered release, and where its repos lie on this master.

    ``own`` is the folder of its own repo, None where that is not for this master to remove;
    ``folders`` those of all its repos, its own among them.
    """

    release: RegisteredRelease
    own: Path | None
    folders: frozenset[Path]

    @property
    def key(self) -> tuple[str, str]:
        """The version and the operating system."""
        return (self.release.version, self.release.os_key)


def why_current(candidates: Sequence[Candidate], fuel_version: str) -> dict[int, str]:
    """Say, by id, which releases the master needs as it is now: of each system at least one."""
    found: dict[int, str] = {}
    for system in sorted({c.release.os_key for c in candidates}):
        here = [c.release for c in candidates if c.release.os_key == system]
        current = [r for r in here if fuel_part(r.version) == fuel_version]
        found.update({r.id: f"current: Fuel {fuel_version}" for r in current})
        if not current:
            newest = min(here, key=lambda r: newest_version_first(r.version))
            found[newest.id] = f"the newest of {newest.operating_system}"
    return found


def why_used(candidates: Iterable[Candidate], keep: Mapping[int, str]) -> dict[int, str]:
    """Add to ``keep``, by id, the releases that those in it need, and those that these need."""
    found = dict(keep)
    left = [c for c in candidates if c.release.id not in found]
    kept = [c for c in candidates if c.release.id in found]
    while True:
        needed = [(c, user) for c in left if (user := _first_user(c, kept))]
        if not needed:
            return found
        for one, user in needed:
            found[one.release.id] = _need(one, user)
        kept = [one for one, _ in needed]
        left = [c for c in left if c.release.id not in found]


def reasons(
    candidates: Sequence[Candidate], firm: Mapping[int, str], weak: Mapping[int, str]
) -> dict[int, str]:
    """Say, by id, why each release that is kept is: ``firm`` comes first, then what needs it."""
    found = why_used(candidates, {**weak, **firm})
    for one in candidates:
        if one.release.id in weak and one.release.id not in firm:
            others = [c for c in candidates if c.release.id in found and c is not one]
            if user := _first_user(one, others):
                found[one.release.id] = _need(one, user)
    return found


def _first_user(one: Candidate, kept: Iterable[Candidate]) -> Candidate | None:
    return next(
        (user for user in kept if one.own in user.folders or _shares_puppet(one, user)), None
    )


def _shares_puppet(one: Candidate, user: Candidate) -> bool:
    data = user.release.orchestrator
    if data is None or user.release.version == one.release.version:
        return False
    sources = (data.puppet_manifests_source, data.puppet_modules_source)
    return any(f"/{one.release.version}/" in source for source in sources)


def _need(one: Candidate, user: Candidate) -> str:
    name = f"{user.release.version} ({user.release.name})"
    if one.own == user.own:
        return f"shares its repo with release {name}"
    return f"base of release {name}" if one.own in user.folders else f"has the puppet of {name}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one release, and why; ``repos`` are its locations.

    ``undo_lacks`` names what undoing could not bring back.
    """

    id: int
    name: str
    version: str
    operating_system: str
    why: str
    repos: tuple[str, ...]
    undo_lacks: tuple[str, ...] = ()

    @classmethod
    def of(cls, release: RegisteredRelease, why: str, undo_lacks: tuple[str, ...] = ()) -> Self:
        """Make one of a registered release."""
        repos = release.orchestrator.repos if release.orchestrator else ()
        locations = tuple(sorted(repo.location for repo in repos))
        return cls(
            release.id,
            release.name,
            release.version,
            release.operating_system,
            why,
            locations,
            undo_lacks,
        )

    def __str__(self) -> str:
        """Name the release."""
        return f"release {self.name} ({self.version}), id {self.id}"


@dataclass(frozen=True, slots=True)
class Content:
    """A folder or file to move away: how much removing it frees, and its name that moving keeps."""

    path: Path
    bytes: int
    files: int
    identity: tuple[int, ...]

    def __str__(self) -> str:
        """Say what is in it."""
        return f"{self.files} files that take {say_size(self.bytes)}"


@dataclass(frozen=True, slots=True)
class GcPlan:
    """What is to be retired and what is kept; ``freed_bytes`` is freed with the backups."""

    fuel_version: str
    retire: tuple[Verdict, ...]
    folders: tuple[Content, ...]
    keep: tuple[Verdict, ...]
    freed_bytes: int
    format: ClassVar[int] = 1


def drift(reviewed: GcPlan, now: GcPlan) -> Iterator[str]:
    """Say in what a master differs from a reviewed plan, as far as the plan touches it."""
    if reviewed.fuel_version != now.fuel_version:
        yield f"Fuel {now.fuel_version} runs here, the plan is for {reviewed.fuel_version}"
    free = {one.id: one for one in now.retire}
    kept = {one.id: one.why for one in now.keep}
    for one in reviewed.retire:
        found = free.get(one.id)
        if found is None:
            yield f"{one}: {'is kept now: ' + kept[one.id] if one.id in kept else 'is gone'}"
        elif (found.name, found.version) != (one.name, one.version) or found.repos != one.repos:
            yield f"{one}: is now {found}, with the repos {', '.join(found.repos)}"
    yield from _drift_of_folders(reviewed, now)


def _drift_of_folders(reviewed: GcPlan, now: GcPlan) -> Iterator[str]:
    there = {one.path: one for one in now.folders}
    for one in reviewed.folders:
        found = there.pop(one.path, None)
        if found is None:
            yield f"{one.path}: is not there, or not free any more"
        elif found.identity != one.identity:
            yield f"{one.path}: somebody replaced it"
        elif (found.bytes, found.files) != (one.bytes, one.files):
            yield f"{one.path}: the plan has {one}, found {found}"
    for path in there:
        yield f"{path}: belongs to these releases now, and is not in the plan"
