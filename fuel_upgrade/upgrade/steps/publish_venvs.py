"""The step that publishes the venvs of releases in the repo server's folder, or retires them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from fuel_upgrade.bundle.manifest import VENV_BLOBS, VENV_INDEX
from fuel_upgrade.upgrade.steps.step import Step, World
from fuel_upgrade.venv.repo_store import RepoStore
from fuel_upgrade.venv.venv_index import VenvChange, VenvIndex, parse_index

_BACKUP = "replaced"


@dataclass(frozen=True, slots=True)
class VenvFacts:
    """The changes of the index, the new blobs, and whether nothing was published before."""

    changes: tuple[VenvChange, ...]
    blobs: tuple[str, ...]
    is_first: bool


@dataclass(frozen=True, slots=True)
class PublishVenvs(Step[VenvFacts]):
    """Publish the venvs of the releases ``added``, without those of ``retired`` alone.

    ``staged`` belongs to this change: in it are the folders of the releases ``added``, and
    afterwards the replaced content. A reader sees the old set or the new one.
    """

    kind: ClassVar[str] = "venvs"
    facts_type: ClassVar[type[Any]] = VenvFacts

    root: Path
    staged: Path
    added: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()

    def inspect(self, world: World) -> VenvFacts:
        """Return the changes of the index, and the blobs that do not exist yet.

        Raises:
            BundleError: an index is malformed.
        """
        store = RepoStore(self.root)
        now = store.read_index()
        changes = now.changes_to(self._planned(now))
        blobs = tuple(name for name in self._carried() if not store.blob(name).exists())
        return VenvFacts(changes, blobs, is_first=not store.current.is_symlink())

    def apply(self, facts: VenvFacts, world: World) -> VenvFacts:
        """Publish, durable on return.

        Raises:
            PreflightError: a build publishes into the same folder.
        """
        store = RepoStore(self.root)
        with store.locked():
            for sha256, path in self._carried().items():
                store.link(path, sha256)
            now = store.read_index()
            store.publish(self._planned(now))
            replaced = VenvIndex(tuple(change.old for change in facts.changes if change.old))
            gone = replaced.blobs.keys() - store.read_index().blobs.keys()
            store.set_aside(map(store.blob, sorted(gone)), self.staged / _BACKUP)
            if self.retired:  # the space is free once the backups are deleted
                store.set_aside(store.other_generations(), self.staged / _BACKUP)
        return facts

    def revert(self, facts: VenvFacts, world: World) -> None:
        """Publish the previous venvs again; what somebody else published since then stays.

        Raises:
            PreflightError: a build publishes into the same folder.
        """
        if not self.root.is_dir():
            return
        store = RepoStore(self.root)
        with store.locked():
            store.bring_back(self.staged / _BACKUP)
            index = store.read_index().undone(facts.changes)
            is_withdrawn = facts.is_first and not index.entries
            if not is_withdrawn:
                store.publish(index)
                store.prune()
            store.drop(set(facts.blobs) - index.blobs.keys())
            if is_withdrawn:
                store.withdraw()

    def _planned(self, index: VenvIndex) -> VenvIndex:
        for version in self.added:
            path = self.staged / version / VENV_INDEX
            entries = parse_index(path.read_text(encoding="utf-8"), source=str(path)).entries
            index = index.with_release(version, entries)
        return index.without_releases(self.retired)

    def _carried(self) -> dict[str, Path]:
        """Return the blobs in the folders of the releases."""
        folders = (self.staged / version / VENV_BLOBS for version in self.added)
        return {path.name: path for folder in folders for path in folder.glob("*")}
