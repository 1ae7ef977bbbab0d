"""What a plan depends on, as a value: two plans with an equal basis would do the same."""

from collections.abc import Mapping
from dataclasses import dataclass

FORMAT = 1


@dataclass(frozen=True, slots=True)
class ReleaseMark:
    """A registered release; its orchestrator data by SHA-256."""

    id: int
    name: str
    version: str
    operating_system: str
    state: str
    orchestrator_sha256: str


@dataclass(frozen=True, slots=True)
class LiveMark:
    """What is at a path that a step switches: nothing, file, folder, link or device.

    ``identity`` is inode and time of birth; ``content`` the target of a link, the SHA-256 of a
    file, and of a folder that of every name, size and time of change below it.
    """

    kind: str
    identity: tuple[int, ...] = ()
    content: str = ""


@dataclass(frozen=True, slots=True)
class BaseMark:
    """On which release a diff builds, None for none, and the SHA-256 of each repo's indexes.

    A repo that another host serves has None: nobody looked into it.
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
    """Everything that a plan depends on, and nothing that changes by itself.

    Neither free room, times and running tasks, which the checks look at, nor the install's id.
    ``live`` is by path, ``bases`` by ``VERSION OPERATING_SYSTEM``.
    """

    seal_sha256: str
    fuel_version: str
    settings: Mapping[str, str | bool | None]
    releases: tuple[ReleaseMark, ...]
    live: Mapping[str, LiveMark]
    bases: Mapping[str, BaseMark]
    steps: tuple[StepMark, ...]
