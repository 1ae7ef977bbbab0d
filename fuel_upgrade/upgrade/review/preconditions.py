"""The preconditions of a plan as a value: plans with an equal basis make equal changes."""

from collections.abc import Mapping
from dataclasses import dataclass

FORMAT = 1


@dataclass(frozen=True, slots=True)
class ReleaseMark:
    """A registered release, with the SHA-256 of its orchestrator data."""

    id: int
    name: str
    version: str
    operating_system: str
    state: str
    orchestrator_sha256: str


@dataclass(frozen=True, slots=True)
class LiveMark:
    """The content of a live path: nothing, file, folder, link or device.

    ``identity`` is inode and time of birth; ``content`` the target of a link, the SHA-256 of a
    file, or the SHA-256 of every name, size and modification time below a folder.
    """

    kind: str
    identity: tuple[int, ...] = ()
    content: str = ""


@dataclass(frozen=True, slots=True)
class BaseMark:
    """The base release of a diff, if any, and the SHA-256 of the indexes of each of its repos.

    The SHA-256 is None for a repo on another host, which is not read.
    """

    found: str | None
    indexes: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class StepMark:
    """A step: its title, and the SHA-256 of its kind and parameters."""

    title: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything that a plan depends on and that does not change by itself.

    Free space, times and running tasks (which the checks read) and the install's id are left out.
    ``live`` is by path, ``bases`` by ``VERSION OPERATING_SYSTEM``.
    """

    seal_sha256: str
    fuel_version: str
    settings: Mapping[str, str | bool | None]
    releases: tuple[ReleaseMark, ...]
    live: Mapping[str, LiveMark]
    bases: Mapping[str, BaseMark]
    steps: tuple[StepMark, ...]
