"""``/api/v1/clusters``: environments, of which nothing is deployed here."""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter
from starlette.responses import Response

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json, JsonBody, created
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.api.routes.ids import Id
from fuel_upgrade.registry.cluster_attributes import changed_attributes, default_attributes
from fuel_upgrade.registry.lines import Line
from fuel_upgrade.registry.refusal import RefusedError, bad_request
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.resources import (
    MODES,
    NET_PROVIDERS,
    Cluster,
    JsonObject,
    ReleaseFields,
    StoredRelease,
)
from fuel_upgrade.registry.rules import NAME_MAX_CHARS, require_object

_NO_PENDING = "Cannot set pending release as it cannot update current release"
_FIXED_PROVIDER = "Changing 'net_provider' for environment is prohibited"


class Clusters:
    """The handlers; ``fuel_version`` is called at every request, for an upgrade changes it."""

    def __init__(
        self, store: Store, fuel_version: Callable[[], str], master_ip: str, line: Line
    ) -> None:
        self._store = store
        self._fuel_version = fuel_version
        self._master_ip = master_ip
        self._line = line

    def router(self) -> APIRouter:
        """Return the routes, below ``/api/v1/clusters``."""
        router = APIRouter(prefix="/api/v1/clusters", tags=["clusters"])
        add, one, shown = router.add_api_route, "/{cluster_id:int}", Cluster.schema_of_answer()
        creates = operation(takes=json_schemas.NEW_CLUSTER, gives={201: shown}, refuses=(403, 409))
        changed = json_schemas.CHANGED_CLUSTER
        updates = operation(takes=changed, gives={200: shown}, refuses=(404, 409))
        deletes = operation(gives={202: json_schemas.DELETED_CLUSTER}, refuses=(404,))
        settings = json_schemas.ATTRIBUTES
        reads = operation(gives={200: settings}, refuses=(400, 404))
        changes = operation(takes=settings, gives={200: settings}, refuses=(404,))
        lists = operation(gives={200: json_schemas.list_of(shown)})
        add("", self.list_all, methods=["GET"], **lists)
        add("", self.create, methods=["POST"], **creates)
        add(one, self.show, methods=["GET"], **operation(gives={200: shown}, refuses=(404,)))
        add(one, self.update, methods=["PUT"], **updates)
        add(one, self.delete, methods=["DELETE"], **deletes)
        add(f"{one}/attributes", self.attributes, methods=["GET"], **reads)
        for method in ("PUT", "PATCH"):
            add(f"{one}/attributes", self.change_attributes, methods=[method], **changes)
        add(f"{one}/attributes/defaults", self.defaults, methods=["GET"], **reads)
        add(f"{one}/attributes/defaults", self.restore_defaults, methods=["PUT"], **reads)
        return router

    def list_all(self) -> Response:
        """200: every cluster."""
        return Json([cluster.to_wire() for cluster in self._store.clusters()])

    def create(self, body: JsonBody) -> Response:
        """201; 400 without a name or an existing release; 403 for a release that is not deployable.

        409 for a name that is taken. The release is in ``release_id`` or ``release``.
        """
        posted = require_object(body)
        release_id = posted.get("release_id", posted.get("release"))
        if release_id is None:
            raise bad_request("Release ID is required")
        mode = _choice(posted, "mode", MODES, "ha_compact")
        # a client of 8.0 and later names the kind of segments alone
        provider = "neutron" if "net_segment_type" in posted else "nova_network"

        def attributes(cluster: Cluster, release: StoredRelease) -> JsonObject:
            if release.fields.state not in self._line.deployable:
                text = f"Release with ID '{release.id}' is not deployable."
                raise RefusedError(HTTPStatus.FORBIDDEN, text)
            _check_mode(mode, release.fields)
            return self._defaults(cluster, release)

        cluster = self._store.add_cluster(
            _name(posted.get("name")),
            _id(release_id),
            fuel_version=self._fuel_version(),
            mode=mode,
            net_provider=_choice(posted, "net_provider", NET_PROVIDERS, provider),
            attributes=attributes,
        )
        return created(cluster.to_wire())

    def show(self, cluster_id: Id) -> Response:
        """200; 404."""
        return Json(self._store.cluster(cluster_id).to_wire())

    def update(self, cluster_id: Id, body: JsonBody) -> Response:
        """200: the cluster with the name, release and mode of the body; 400; 404; 409."""

        def change(current: Cluster, _release: StoredRelease) -> Cluster:
            posted = require_object(body)
            if posted.get("pending_release_id") is not None:
                raise bad_request(_NO_PENDING)
            if posted.get("net_provider", current.net_provider) != current.net_provider:
                raise bad_request(_FIXED_PROVIDER)
            changes = {
                "name": _name(posted.get("name", current.name)),
                "release_id": _id(posted.get("release_id", current.release_id)),
                "mode": _choice(posted, "mode", MODES, current.mode),
            }
            return current.model_copy(update=changes)

        return Json(self._store.change_cluster(cluster_id, change).to_wire())

    def delete(self, cluster_id: Id) -> Response:
        """202 as Nailgun answers, though here it is gone at once; 404."""
        self._store.delete_cluster(cluster_id)
        return Json({}, HTTPStatus.ACCEPTED)

    def attributes(self, cluster_id: Id) -> Response:
        """200: the settings, with the repos as they were when the cluster was created; 404."""
        cluster = self._store.cluster(cluster_id)
        return Json(self._current(cluster, self._store.release(cluster.release_id)))

    def change_attributes(self, cluster_id: Id, body: JsonBody) -> Response:
        """200: the settings with those of the body; 400; 404."""

        def change(cluster: Cluster, release: StoredRelease) -> Cluster:
            current = self._current(cluster, release)
            attributes = changed_attributes(current, require_object(body))
            return cluster.model_copy(update={"attributes": attributes})

        return Json(self._store.change_cluster(cluster_id, change).attributes)

    def defaults(self, cluster_id: Id) -> Response:
        """200: the settings of the release as it is now; 404."""
        cluster = self._store.cluster(cluster_id)
        return Json(self._defaults(cluster, self._store.release(cluster.release_id)))

    def restore_defaults(self, cluster_id: Id) -> Response:
        """200: the settings, which are now those of the release; 404."""

        def change(cluster: Cluster, release: StoredRelease) -> Cluster:
            return cluster.model_copy(update={"attributes": self._defaults(cluster, release)})

        return Json(self._store.change_cluster(cluster_id, change).attributes)

    def _defaults(self, cluster: Cluster, release: StoredRelease) -> JsonObject:
        return default_attributes(
            cluster, release.fields, master_ip=self._master_ip, line=self._line
        )

    def _current(self, cluster: Cluster, release: StoredRelease) -> JsonObject:
        """Return the attributes; those of clusters of earlier versions are not stored."""
        return cluster.attributes or self._defaults(cluster, release)


def _name(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise bad_request("No cluster name specified")
    if len(value) > NAME_MAX_CHARS:
        raise bad_request(f"Cluster name is longer than {NAME_MAX_CHARS} characters")
    return value


def _id(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise bad_request("Invalid release ID")
    return value


def _choice(posted: JsonObject, field: str, choices: tuple[str, ...], default: str) -> str:
    value = posted.get(field, default)
    if not isinstance(value, str) or value not in choices:
        raise bad_request(f"{field}: {value!r} is not one of {list(choices)}")
    return value


def _check_mode(mode: str, release: ReleaseFields) -> None:
    known = release.detail("modes")
    if isinstance(known, list) and known and mode not in known:
        raise bad_request(
            f"Cannot deploy in {mode} mode in current release. Need to be one of: "
            + ", ".join(map(str, known))
        )
