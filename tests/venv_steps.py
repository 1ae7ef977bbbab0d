"""The step that publishes venvs, on repo servers in the states that it must handle."""

import shutil
from collections.abc import Callable
from pathlib import Path

from fuel_upgrade.system.tree_digest import describe
from fuel_upgrade.upgrade.steps.publish_venvs import PublishVenvs
from fuel_upgrade.upgrade.steps.step import World
from fuel_upgrade.venv.repo_store import RepoStore
from fuel_upgrade.venv.venv_index import VenvIndex
from tests.fake_venvs import fake_entry, publish_venvs

NEW = "2014.2-6.0"
Case = Callable[[Path, World], PublishVenvs]


def stage(step: PublishVenvs, version: str, tag: str, contents: dict[str, str]) -> None:
    """Stage the venvs of a release as an install unpacks them, without those that exist."""
    folder = step.staged / version
    (folder / "blobs").mkdir(parents=True)
    entries = [fake_entry(name, tag, text) for name, text in contents.items()]
    (folder / "venvs.json").write_text(VenvIndex(tuple(entries)).to_text())
    texts = {e.archive.sha256: text for e, text in zip(entries, contents.values(), strict=True)}
    for sha256, text in {**texts, entries[0].wheels[0].sha256: "wheel"}.items():
        if not RepoStore(step.root).blob(sha256).exists():
            (folder / "blobs" / sha256).write_text(text)


def first(folder: Path, _: World) -> PublishVenvs:
    """A release on a master without venvs."""
    root = folder / "venvs"
    step = PublishVenvs(root, root / ".fuel-upgrade/ab12", added=(NEW,))
    stage(step, NEW, "2", {"api": "api 2", "web": "web 2"})
    return step


def another_tag(folder: Path, world: World) -> PublishVenvs:
    """A release beside the venvs of another tag, with which it shares its wheel."""
    publish_venvs(folder / "venvs", "1", {"api": "api 1"})
    return first(folder, world)


def same_tag(folder: Path, world: World) -> PublishVenvs:
    """A release that replaces one of two venvs of its tag."""
    publish_venvs(folder / "venvs", "2", {"api": "api 1", "web": "web 2"})
    return first(folder, world)


def retired(folder: Path, world: World) -> PublishVenvs:
    """A release that is retired, beside another tag."""
    step = another_tag(folder, world)
    step.apply(step.inspect(world), world)
    shutil.rmtree(step.root / ".generations/1")  # the next publication removes it
    staged = step.staged.with_name("cd34")
    staged.mkdir()
    return PublishVenvs(step.root, staged, retired=(NEW,))


CASES: tuple[Case, ...] = (first, another_tag, same_tag, retired)


def tree(step: PublishVenvs) -> dict[str, str]:
    """Return everything in the folder but the lock and the files of changes."""
    return describe(step.root, without=[step.root / ".lock", step.root / ".fuel-upgrade"])


def venvs(step: PublishVenvs) -> dict[str, tuple[str, ...]]:
    """Return the releases of each published venv."""
    entries = RepoStore(step.root).read_index().entries
    return {f"{entry.service} {entry.tag}": entry.releases for entry in entries}
