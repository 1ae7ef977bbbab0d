"""The resources of the registry as values, and their JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

JsonObject = dict[str, object]

#: Every state of a release in Nailgun 6.0.
RELEASE_STATES = ("not_available", "downloading", "error", "available")
#: Every topic of a notification in Nailgun 6.0.
TOPICS = ("discover", "done", "error", "warning", "release")

#: Fields that a release may carry beside its columns, with the JSON type of each.
DETAILS: Mapping[str, type[dict[str, object]] | type[list[object]]] = {
    "can_update_from_versions": list,
    "roles": list,
    "roles_metadata": dict,
    "modes_metadata": dict,
    "attributes_metadata": dict,
    "wizard_metadata": dict,
    "networks_metadata": dict,
    "volumes_metadata": dict,
}
#: Fields of 6.1 to 9.x; shown of those releases that were posted with them.
LATER_DETAILS: Mapping[str, type[dict[str, object]] | type[list[object]] | type[bool]] = {
    "is_deployable": bool,
    "modes": list,
    "extensions": list,
    "components_metadata": list,
    "network_roles_metadata": list,
    "node_attributes": dict,
    "vmware_attributes_metadata": dict,
    "deployment_tasks": list,
}
#: Those of them that no answer with a release has.
HIDDEN = frozenset({"networks_metadata", "volumes_metadata", "deployment_tasks"})


@dataclass(frozen=True, slots=True)
class ReleaseFields:
    """The fields of a release that a client can set; ``orchestrator_data`` is rendered."""

    name: str = ""
    version: str = ""
    operating_system: str = ""
    state: str = "not_available"
    description: str | None = None
    orchestrator_data: JsonObject | None = None
    details: JsonObject | None = None

    def detail(self, name: str) -> object:
        """Return a detail; empty if it was never posted."""
        return (self.details or {}).get(name, {**DETAILS, **LATER_DETAILS}[name]())


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release with its id."""

    id: int
    fields: ReleaseFields

    def to_wire(self, *, has_map: bool = True) -> JsonObject:
        """Return its JSON (contract: ``one``), without networks and volumes.

        From 6.1 on (not ``has_map``) there is no orchestrator data.
        """
        fields = self.fields
        details = fields.details or {}
        return {
            "id": self.id,
            "name": fields.name,
            "version": fields.version,
            "operating_system": fields.operating_system,
            "state": fields.state,
            "description": fields.description,
            "is_deployable": True,
            **({"orchestrator_data": fields.orchestrator_data or {}} if has_map else {}),
            **{name: fields.detail(name) for name in DETAILS if name not in HIDDEN},
            **{name: details[name] for name in LATER_DETAILS.keys() - HIDDEN if name in details},
        }


@dataclass(frozen=True, slots=True)
class Notification:
    """A message to the operator; ``created_s`` is in seconds since the epoch."""

    id: int
    topic: str
    message: str
    status: str
    created_s: int
    cluster_id: int | None = None
    node_id: int | None = None

    def to_wire(self) -> JsonObject:
        """Return its JSON (contract: ``one notification``)."""
        created = datetime.fromtimestamp(self.created_s, tz=UTC)
        return {
            "id": self.id,
            "topic": self.topic,
            "message": self.message,
            "status": self.status,
            "date": f"{created:%d-%m-%Y}",
            "time": f"{created:%H:%M:%S}",
            "cluster": self.cluster_id,
            "node_id": self.node_id,
            "task_id": None,
        }


@dataclass(frozen=True, slots=True)
class Cluster:
    """An environment on a release."""

    id: int
    name: str
    release_id: int
    fuel_version: str
    mode: str = "ha_compact"
    net_provider: str = "nova_network"

    def to_wire(self) -> JsonObject:
        """Return its JSON (contract: ``cluster on a release``)."""
        return {
            "id": self.id,
            "name": self.name,
            "release_id": self.release_id,
            "pending_release_id": None,
            "fuel_version": self.fuel_version,
            "mode": self.mode,
            "net_provider": self.net_provider,
            "grouping": "roles",
            "is_customized": False,
            "status": "new",
            "changes": [{"name": n, "node_id": None} for n in ("attributes", "networks")],
        }


@dataclass(frozen=True, slots=True)
class Task:
    """A task of Nailgun for a cluster; ``progress`` is in percent."""

    id: int
    name: str
    status: str
    cluster_id: int | None = None
    progress: int = 0
    message: str = ""

    def to_wire(self) -> JsonObject:
        """Return its JSON, as ``GET /tasks`` of Nailgun 6.0 has it."""
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "cluster": self.cluster_id,
            "progress": self.progress,
            "message": self.message,
            "result": None,
        }


@dataclass(frozen=True, slots=True)
class Node:
    """A machine that Nailgun knows."""

    id: int
    name: str
    status: str
    cluster_id: int | None = None

    def to_wire(self) -> JsonObject:
        """Return its JSON: the keys of ``GET /nodes/`` that a release registry needs."""
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "cluster": self.cluster_id,
        }
