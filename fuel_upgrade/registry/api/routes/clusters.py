"""``/api/v1/{clusters,tasks,nodes,version}``: the parts that a release needs."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json, JsonBody, created
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.api.routes.ids import Id
from fuel_upgrade.registry.refusal import bad_request
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.resources import JsonObject
from fuel_upgrade.registry.rules import NAME_MAX_CHARS, require_object

#: There is no build of Nailgun behind this registry whose commits could be named.
_NO_SHA = "n/a"


class Clusters:
    """The handlers; ``fuel_version`` is called at every request, for an upgrade changes it."""

    def __init__(self, store: Store, fuel_version: Callable[[], str]) -> None:
        self._store = store
        self._fuel_version = fuel_version

    def router(self) -> APIRouter:
        """Return the routes, below ``/api/v1``."""
        router = APIRouter(prefix="/api/v1", tags=["clusters"])
        add, one = router.add_api_route, "/clusters/{cluster_id:int}"
        lists, shows = operation(gives={200: json_schemas.CLUSTERS}), {200: json_schemas.CLUSTER}
        creates = operation(
            takes=json_schemas.NEW_CLUSTER, gives={201: json_schemas.CLUSTER}, refuses=(409,)
        )
        deletes = operation(gives={202: json_schemas.DELETED_CLUSTER}, refuses=(404,))
        tasks = operation(gives={200: json_schemas.TASKS}, refuses=(400,))
        task = operation(gives={200: json_schemas.TASK}, refuses=(404,))
        add("/clusters", self.list_clusters, methods=["GET"], **lists)
        add("/clusters", self.create_cluster, methods=["POST"], **creates)
        add(one, self.show_cluster, methods=["GET"], **operation(gives=shows, refuses=(404,)))
        add(one, self.delete_cluster, methods=["DELETE"], **deletes)
        add("/tasks", self.list_tasks, methods=["GET"], **tasks)
        add("/tasks/{task_id:int}", self.show_task, methods=["GET"], **task)
        add(
            "/nodes", self.list_nodes, methods=["GET"], **operation(gives={200: json_schemas.NODES})
        )
        version = operation(gives={200: json_schemas.FUEL_VERSION})
        add("/version", self.version, methods=["GET"], **version)
        return router

    def list_clusters(self) -> Response:
        """200: every cluster."""
        return Json([cluster.to_wire() for cluster in self._store.clusters()])

    def create_cluster(self, body: JsonBody) -> Response:
        """201; 400 without a name or an existing release; 409 for a name that is taken."""
        posted = require_object(body)
        name, release_id = posted.get("name"), posted.get("release")
        if not isinstance(name, str) or not name:
            raise bad_request("No cluster name specified")
        if len(name) > NAME_MAX_CHARS:
            raise bad_request(f"Cluster name is longer than {NAME_MAX_CHARS} characters")
        if not isinstance(release_id, int) or isinstance(release_id, bool):
            raise bad_request("No release specified for the cluster")
        fuel_version = self._fuel_version()
        cluster = self._store.add_cluster(name, release_id, fuel_version=fuel_version)
        return created(cluster.to_wire())

    def show_cluster(self, cluster_id: Id) -> Response:
        """200; 404."""
        return Json(self._store.cluster(cluster_id).to_wire())

    def delete_cluster(self, cluster_id: Id) -> Response:
        """202 as Nailgun answers, though here it is gone at once; 404."""
        self._store.delete_cluster(cluster_id)
        return Json({}, HTTPStatus.ACCEPTED)

    def list_tasks(self, cluster_id: Annotated[int | None, Query(ge=0)] = None) -> Response:
        """200: every task, or those of one cluster; 400 for a malformed id."""
        return Json([task.to_wire() for task in self._store.tasks(cluster_id)])

    def show_task(self, task_id: Id) -> Response:
        """200; 404."""
        return Json(self._store.task(task_id).to_wire())

    def list_nodes(self) -> Response:
        """200: every node."""
        return Json([node.to_wire() for node in self._store.nodes()])

    def version(self) -> Response:
        """200, with or without a token."""
        answer: JsonObject = {
            "release": self._fuel_version(),
            "api": "1",
            "auth_required": True,
            "feature_groups": ["experimental"],
            "release_versions": {},
            **{f"{part}_sha": _NO_SHA for part in ("nailgun", "astute", "fuellib", "ostf")},
        }
        return Json(answer)
