"""A release as a value; :mod:`fuel_upgrade.release.dialect` has its forms in Nailgun."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

ReleaseKey = tuple[str, str]
"""A release by version and operating system."""


@dataclass(frozen=True, slots=True)
class RepoEntry:
    """One repo of a release: its name, and ``URL`` (yum) or ``URL suite component...`` (apt).

    ``priority`` is that of a Nailgun of the list dialect, in the terms of the package
    manager: the highest wins with apt, the lowest with yum; None if not given.
    """

    name: str
    location: str
    priority: int | None = None

    @property
    def url(self) -> str:
        """The address without suite and components."""
        return self.location.split()[0]

    @property
    def suite(self) -> str | None:
        """The apt suite; None for yum."""
        words = self.location.split()
        return words[1] if len(words) > 1 else None

    @property
    def components(self) -> tuple[str, ...]:
        """The apt components; empty for yum."""
        return tuple(self.location.split()[2:])


@dataclass(frozen=True, slots=True)
class OrchestratorData:
    """The orchestrator data of a release: repos in order (its own first) and puppet sources.

    The repos are the chain of the release: its own and those of its bases, newest first. Other
    repos of its description, such as mirrors of the distribution, are not part of it.
    """

    repos: tuple[RepoEntry, ...]
    puppet_manifests_source: str
    puppet_modules_source: str

    def to_json(self) -> dict[str, Any]:
        """Return the form that the journal and plans hold."""
        priorities = {r.name: r.priority for r in self.repos if r.priority is not None}
        return {
            "puppet_manifests_source": self.puppet_manifests_source,
            "puppet_modules_source": self.puppet_modules_source,
            "repo_metadata": {repo.name: repo.location for repo in self.repos},
            **({"priorities": priorities} if priorities else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read the form of :meth:`to_json`; keep the order."""
        priorities = data.get("priorities", {})
        return cls(
            repos=tuple(
                RepoEntry(str(name), str(location), priorities.get(name))
                for name, location in data["repo_metadata"].items()
            ),
            puppet_manifests_source=str(data["puppet_manifests_source"]),
            puppet_modules_source=str(data["puppet_modules_source"]),
        )


@dataclass(frozen=True, slots=True)
class Release:
    """A release as ``openstack.yaml`` describes it; ``fields`` are all its fields."""

    name: str
    version: str
    operating_system: str
    fields: Mapping[str, Any]

    @property
    def os_key(self) -> str:
        """The operating system in paths: ``ubuntu`` or ``centos``."""
        return self.operating_system.lower()


@dataclass(frozen=True, slots=True)
class RegisteredRelease:
    """A release in Nailgun; ``others`` are repos that are not part of its chain."""

    id: int
    name: str
    version: str
    operating_system: str
    state: str
    orchestrator: OrchestratorData | None
    others: tuple[RepoEntry, ...] = ()

    @property
    def os_key(self) -> str:
        """The operating system as paths spell it."""
        return self.operating_system.lower()

    @property
    def repos(self) -> tuple[RepoEntry, ...]:
        """The repos of its chain, newest first."""
        return self.orchestrator.repos if self.orchestrator else ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read an entry of the daemon's list of releases; it has no puppet sources."""
        repos = _repos(data["repos"])
        return cls(
            id=data["id"],
            name=data["name"],
            version=data["version"],
            operating_system=data["operating_system"],
            state=data["state"],
            orchestrator=OrchestratorData(repos, "", "") if repos else None,
            others=_repos(data["other_repos"]),
        )


def _repos(data: Sequence[Mapping[str, Any]]) -> tuple[RepoEntry, ...]:
    return tuple(RepoEntry(repo["name"], repo["location"], repo["priority"]) for repo in data)
