"""``/api/v1/{releases,clusters}/ID/deployment_tasks``: the steps of a deployment, from 6.1 on."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json, JsonBody
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.api.routes.ids import Id
from fuel_upgrade.registry.refusal import bad_request
from fuel_upgrade.registry.release_store import RefuseTaken, Store
from fuel_upgrade.registry.resources import ReleaseFields

_FIELD = "deployment_tasks"


class DeploymentTasks:
    """The handlers; a Nailgun of 6.0 has no such path."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/api/v1", tags=["releases"])
        path, tasks = "/releases/{release_id:int}/deployment_tasks", json_schemas.DEPLOYMENT_TASKS
        of_cluster = "/clusters/{cluster_id:int}/deployment_tasks"
        shows = operation(gives={200: tasks}, refuses=(404,))
        replaces = operation(takes=tasks, gives={200: tasks}, refuses=(404,))
        router.add_api_route(path, self.show, methods=["GET"], **shows)
        router.add_api_route(path, self.replace, methods=["PUT"], **replaces)
        router.add_api_route(of_cluster, self.show_of_cluster, methods=["GET"], **shows)
        return router

    def show(self, release_id: Id) -> Response:
        """200: the tasks of a release, an empty list for none; 404."""
        return Json(self._store.release(release_id).fields.detail(_FIELD))

    def show_of_cluster(self, cluster_id: Id) -> Response:
        """200: the tasks of the release of a cluster; 404."""
        return self.show(self._store.cluster(cluster_id).release_id)

    def replace(self, release_id: Id, body: JsonBody) -> Response:
        """200: the new tasks; 400 for a list in which a task has no id or no type; 404."""

        def change(current: ReleaseFields, _: RefuseTaken) -> ReleaseFields:
            return replace(current, details={**(current.details or {}), _FIELD: _checked(body)})

        return Json(self._store.change_release(release_id, change).fields.detail(_FIELD))


def _checked(body: object) -> list[object]:
    if not isinstance(body, list):
        raise bad_request(f"{body!r} is not of type 'array'")
    for task in body:
        for name in ("id", "type"):
            if not isinstance(task, dict) or not isinstance(task.get(name), str):
                raise bad_request(f"{name!r} is a required property")
    return body
