"""The resources of the registry as values, and their JSON.

A :class:`Shape` is both: its fields are the keys of the answer, and its JSON schema describes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, computed_field

from fuel_upgrade.registry.lines import Line

JsonObject = dict[str, object]

#: Every topic of a notification in Nailgun 6.0.
TOPICS = ("discover", "done", "error", "warning", "release")
MODES = ("multinode", "ha_full", "ha_compact")
NET_PROVIDERS = ("nova_network", "neutron")

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
LATER_DETAILS: Mapping[str, type[dict[str, object]] | type[list[object]] | type[object]] = {
    "modes": list,
    "extensions": list,
    "components_metadata": list,
    "network_roles_metadata": list,
    "node_attributes": dict,
    "vmware_attributes_metadata": object,  # an empty list until it is posted
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

    def to_wire(self, line: Line) -> JsonObject:
        """Return its JSON (contract: ``one``), without networks, volumes and tasks."""
        fields = self.fields
        details = fields.details or {}
        return {
            "id": self.id,
            "name": fields.name,
            "version": fields.version,
            "operating_system": fields.operating_system,
            "state": fields.state,
            "description": fields.description,
            "is_deployable": fields.state in line.deployable,
            **({"orchestrator_data": fields.orchestrator_data or {}} if line.has_map else {}),
            **{name: fields.detail(name) for name in DETAILS if name not in HIDDEN},
            **({} if line.has_map else {"vmware_attributes_metadata": []}),
            **{name: details[name] for name in LATER_DETAILS.keys() - HIDDEN if name in details},
        }


class Shape(BaseModel):
    """A value and its JSON. Keys that only Nailgun's other parts fill in have constant values."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        json_schema_serialization_defaults_required=True,
    )

    @classmethod
    def of(cls, columns: Mapping[str, object]) -> Self:
        """Return the value of a row."""
        return cls.model_validate(columns)

    def to_wire(self) -> JsonObject:
        """Return its JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def schema_of_answer(cls) -> JsonObject:
        """Return the JSON schema of :meth:`to_wire`."""
        return cls.model_json_schema(mode="serialization")


Id = Annotated[int, Field(ge=1)]
#: The database has an empty text in place of null.
Message = Annotated[str | None, BeforeValidator(lambda text: text or None)]
OfCluster = Annotated[int | None, Field(validation_alias="cluster_id")]


class Notification(Shape):
    """A message to the operator; ``created_s`` is in seconds since the epoch."""

    id: Id
    topic: Literal["discover", "done", "error", "warning", "release"]
    message: Message
    status: Literal["read", "unread"]
    created_s: Annotated[int, Field(exclude=True)]
    cluster: OfCluster = None
    node_id: int | None = None
    task_id: None = None

    @computed_field(json_schema_extra={"pattern": r"^\d{2}-\d{2}-\d{4}$"})  # type: ignore[prop-decorator]
    @property
    def date(self) -> str:
        """The day of its creation, in UTC."""
        return f"{self._created:%d-%m-%Y}"

    @computed_field(json_schema_extra={"pattern": r"^\d{2}:\d{2}:\d{2}$"})  # type: ignore[prop-decorator]
    @property
    def time(self) -> str:
        """The time of its creation, in UTC."""
        return f"{self._created:%H:%M:%S}"

    @property
    def _created(self) -> datetime:
        return datetime.fromtimestamp(self.created_s, tz=UTC)


class Cluster(Shape):
    """An environment on a release; ``attributes`` are its settings, which have their own path."""

    id: Id
    name: str
    release_id: Id
    fuel_version: str
    mode: str = "ha_compact"
    net_provider: str = "nova_network"
    attributes: Annotated[JsonObject, Field(exclude=True)] = {}
    pending_release_id: None = None
    grouping: str = "roles"
    is_customized: bool = False
    status: str = "new"
    changes: tuple[JsonObject, ...] = (
        {"name": "attributes", "node_id": None},
        {"name": "networks", "node_id": None},
    )


class Task(Shape):
    """A task of Nailgun for a cluster; ``progress`` is in percent."""

    id: Id
    name: str
    status: str
    cluster: OfCluster = None
    progress: int = 0
    message: Message = None
    result: JsonObject = {}

    @computed_field  # type: ignore[prop-decorator]
    @property
    def uuid(self) -> str:
        """A second name, which follows from the id."""
        return str(UUID(int=self.id))


class Node(Shape):
    """A machine that Nailgun knows."""

    id: Id
    name: str
    status: str
    cluster: OfCluster = None
    online: bool = True
    roles: tuple[str, ...] = ()
    pending_roles: tuple[str, ...] = ()
    pending_addition: bool = False
    pending_deletion: bool = False
    error_type: str | None = None
    progress: int = 0
    ip: str | None = None
    mac: str | None = None
    fqdn: str | None = None
    group_id: int | None = None
    os_platform: str | None = None
    platform_name: str | None = None
    kernel_params: str | None = None
    manufacturer: str | None = None
    network_data: tuple[JsonObject, ...] = ()
    labels: JsonObject = {}
    meta: JsonObject = {}
