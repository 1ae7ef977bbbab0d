"""A release as a value, and its wire form in the 6.0 dialect of Nailgun."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class RepoEntry:
    """One repo of a release: its name, and ``URL`` (yum) or ``URL suite component...`` (apt)."""

    name: str
    location: str

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
    """What the orchestrator needs: repos in order (the release's own first) and puppet sources."""

    repos: tuple[RepoEntry, ...]
    puppet_manifests_source: str
    puppet_modules_source: str

    def to_wire(self) -> dict[str, Any]:
        """Return the form that Nailgun 6.0 takes (contract: ``create``)."""
        return {
            "puppet_manifests_source": self.puppet_manifests_source,
            "puppet_modules_source": self.puppet_modules_source,
            "repo_metadata": {repo.name: repo.location for repo in self.repos},
        }

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Self:
        """Read the form that Nailgun 6.0 gives; keeps the map's order."""
        return cls(
            repos=tuple(RepoEntry(str(k), str(v)) for k, v in data["repo_metadata"].items()),
            puppet_manifests_source=str(data["puppet_manifests_source"]),
            puppet_modules_source=str(data["puppet_modules_source"]),
        )


@dataclass(frozen=True, slots=True)
class Release:
    """A release as ``openstack.yaml`` describes it; ``fields`` is the whole body to post."""

    name: str
    version: str
    operating_system: str
    fields: Mapping[str, Any]

    @property
    def os_key(self) -> str:
        """The operating system as paths spell it: ``ubuntu`` or ``centos``."""
        return self.operating_system.lower()

    def body(self, orchestrator: OrchestratorData) -> dict[str, Any]:
        """Return the body of ``POST /releases/`` with these repos."""
        return {**self.fields, "orchestrator_data": orchestrator.to_wire()}


@dataclass(frozen=True, slots=True)
class RegisteredRelease:
    """A release as Nailgun holds it."""

    id: int
    name: str
    version: str
    operating_system: str
    state: str
    orchestrator: OrchestratorData | None

    @property
    def os_key(self) -> str:
        """The operating system as paths spell it."""
        return self.operating_system.lower()

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Self:
        """Read one entry of ``GET /releases/`` (contract: ``list``)."""
        wire = data.get("orchestrator_data")
        return cls(
            id=int(data["id"]),
            name=str(data["name"]),
            version=str(data["version"]),
            operating_system=str(data["operating_system"]),
            state=str(data.get("state", "")),
            orchestrator=OrchestratorData.from_wire(wire) if wire else None,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` and the daemon's API give."""
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "operating_system": self.operating_system,
            "state": self.state,
            "repos": [
                {"name": r.name, "location": r.location}
                for r in (self.orchestrator.repos if self.orchestrator else ())
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` gave; the puppet sources are not in it."""
        repos = tuple(RepoEntry(repo["name"], repo["location"]) for repo in data["repos"])
        return cls(
            id=data["id"],
            name=data["name"],
            version=data["version"],
            operating_system=data["operating_system"],
            state=data["state"],
            orchestrator=OrchestratorData(repos, "", "") if repos else None,
        )
