"""The plan of which releases to retire, for review by an operator. Pure."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

from fuel_upgrade.release.chain import fuel_part, newest_version_first
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.system.size import say_size


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registered release with the folders of its repos on this master.

    ``own`` is the folder of its own repo, None if this master must not remove it; ``folders`` has
    those of all its repos, its own included.
    """

    release: RegisteredRelease
    own: Path | None
    folders: frozenset[Path]

    @property
    def key(self) -> tuple[str, str]:
        """The version and the operating system."""
        return (self.release.version, self.release.os_key)


def why_current(candidates: Sequence[Candidate], fuel_version: str) -> dict[int, str]:
    """Return, by id, the reason for each release that the master needs: one or more a system."""
    current_by_id: dict[int, str] = {}
    for system in sorted({c.release.os_key for c in candidates}):
        here = [c.release for c in candidates if c.release.os_key == system]
        current = [r for r in here if fuel_part(r.version) == fuel_version]
        current_by_id.update({r.id: f"current: Fuel {fuel_version}" for r in current})
        if not current:
            newest = min(here, key=lambda r: newest_version_first(r.version))
            current_by_id[newest.id] = f"the newest of {newest.operating_system}"
    return current_by_id


def why_used(candidates: Iterable[Candidate], keep: Mapping[int, str]) -> dict[int, str]:
    """Add to ``keep``, by id, the releases that its releases need, transitively."""
    candidates = tuple(candidates)
    reason_by_id = dict(keep)
    needed_by = _needs(candidates)
    kept = deque(c for c in candidates if c.release.id in reason_by_id)
    while kept:
        user = kept.popleft()
        for candidate in needed_by(user):
            if candidate.release.id not in reason_by_id:
                reason_by_id[candidate.release.id] = _need(candidate, user)
                kept.append(candidate)
    return reason_by_id


def reasons(
    candidates: Sequence[Candidate], firm: Mapping[int, str], weak: Mapping[int, str]
) -> dict[int, str]:
    """Return, by id, the reason for each kept release: ``firm``, else its user, else ``weak``."""
    reason_by_id = why_used(candidates, {**weak, **firm})
    needed_by = _needs(candidates)
    weak_only = weak.keys() - firm.keys()
    for user in (c for c in candidates if c.release.id in reason_by_id):
        for candidate in needed_by(user):
            if candidate is not user and candidate.release.id in weak_only:
                reason_by_id[candidate.release.id] = _need(candidate, user)
                weak_only.remove(candidate.release.id)
    return reason_by_id


def _needs(candidates: Iterable[Candidate]) -> Callable[[Candidate], Iterator[Candidate]]:
    """Return the function that yields the releases with a repo or puppet that a release uses."""
    by_folder: dict[Path, list[Candidate]] = {}
    by_version: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_version.setdefault(candidate.release.version, []).append(candidate)
        if candidate.own is not None:
            by_folder.setdefault(candidate.own, []).append(candidate)

    def needed_by(user: Candidate) -> Iterator[Candidate]:
        for folder in sorted(user.folders):
            yield from by_folder.get(folder, ())
        for version in sorted(_puppet_versions(user.release) - {user.release.version}):
            yield from by_version.get(version, ())

    return needed_by


def _puppet_versions(release: RegisteredRelease) -> set[str]:
    """Return the folders in the paths of a release's puppet: one of them is a version."""
    data = release.orchestrator
    sources = (data.puppet_manifests_source, data.puppet_modules_source) if data else ()
    return {part for source in sources for part in source.split("/")[1:-1]}


def _need(candidate: Candidate, user: Candidate) -> str:
    name = f"{user.release.version} ({user.release.name})"
    if candidate.own == user.own:
        return f"shares its repo with release {name}"
    return (
        f"base of release {name}" if candidate.own in user.folders else f"has the puppet of {name}"
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about one release, with the reason; ``repos`` are its locations.

    ``undo_lacks`` names the fields that no undo can restore.
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
        """Return the verdict on a registered release."""
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
    """A folder or file to retire: the disk space that it frees, and its identity."""

    path: Path
    bytes: int
    files: int
    identity: tuple[int, ...]

    def __str__(self) -> str:
        """Return the number and the size of its files."""
        return f"{self.files} files that take {say_size(self.bytes)}"


@dataclass(frozen=True, slots=True)
class GcPlan:
    """The releases to retire and to keep; ``freed_bytes`` are free once the backups are deleted.

    ``venvs`` has the releases with venvs, each with the names of those that no other one keeps.
    """

    fuel_version: str
    retire: tuple[Verdict, ...]
    folders: tuple[Content, ...]
    keep: tuple[Verdict, ...]
    freed_bytes: int
    venvs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    format: ClassVar[int] = 1


def drift(reviewed: GcPlan, now: GcPlan) -> Iterator[str]:
    """Yield each difference between a reviewed plan and the master that affects the plan."""
    if reviewed.fuel_version != now.fuel_version:
        yield f"Fuel {now.fuel_version} runs here, the plan is for {reviewed.fuel_version}"
    free = {verdict.id: verdict for verdict in now.retire}
    kept = {verdict.id: verdict.why for verdict in now.keep}
    for old in reviewed.retire:
        new = free.get(old.id)
        if new is None:
            yield f"{old}: {'is kept now: ' + kept[old.id] if old.id in kept else 'is gone'}"
        elif (new.name, new.version, new.repos) != (old.name, old.version, old.repos):
            yield f"{old}: is now {new}, with the repos {', '.join(new.repos)}"
    yield from _drift_of_folders(reviewed, now)
    for version in sorted(reviewed.venvs.keys() | now.venvs.keys()):
        if reviewed.venvs.get(version) != now.venvs.get(version):
            yield f"the venvs of {version} are others than in the plan"


def _drift_of_folders(reviewed: GcPlan, now: GcPlan) -> Iterator[str]:
    present = {content.path: content for content in now.folders}
    for old in reviewed.folders:
        new = present.pop(old.path, None)
        if new is None:
            yield f"{old.path}: is gone, or in use again"
        elif new.identity != old.identity:
            yield f"{old.path}: somebody replaced it"
        elif (new.bytes, new.files) != (old.bytes, old.files):
            yield f"{old.path}: the plan has {old}, the master {new}"
    for path in present:
        yield f"{path}: belongs to these releases now, and is not in the plan"
