"""``/api/v1/releases/ID/...``: parts of a release that have paths of their own from 6.1 on."""

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
from fuel_upgrade.registry.rules import require_object

_TASKS = "deployment_tasks"
_ATTRIBUTES = "attributes_metadata"


class ReleaseParts:
    """The handlers; a Nailgun of 6.0 has no such paths."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/api/v1", tags=["releases"])
        add, one = router.add_api_route, "/releases/{release_id:int}"
        tasks, attributes = json_schemas.DEPLOYMENT_TASKS, json_schemas.ATTRIBUTES
        shows = operation(gives={200: tasks}, refuses=(404,))
        replaces = operation(takes=tasks, gives={200: tasks}, refuses=(404,))
        add(f"{one}/{_TASKS}", self.show_tasks, methods=["GET"], **shows)
        add(f"{one}/{_TASKS}", self.replace_tasks, methods=["PUT"], **replaces)
        add(
            f"/clusters/{{cluster_id:int}}/{_TASKS}", self.show_of_cluster, methods=["GET"], **shows
        )
        shows = operation(gives={200: attributes}, refuses=(404,))
        replaces = operation(takes=attributes, gives={200: attributes}, refuses=(404,))
        add(f"{one}/{_ATTRIBUTES}", self.show_attributes, methods=["GET"], **shows)
        add(f"{one}/{_ATTRIBUTES}", self.replace_attributes, methods=["PUT"], **replaces)
        return router

    def show_tasks(self, release_id: Id) -> Response:
        """200: the tasks of a release, an empty list for none; 404."""
        return self._show(release_id, _TASKS)

    def show_of_cluster(self, cluster_id: Id) -> Response:
        """200: the tasks of the release of a cluster; 404."""
        return self._show(self._store.cluster(cluster_id).release_id, _TASKS)

    def replace_tasks(self, release_id: Id, body: JsonBody) -> Response:
        """200: the new tasks; 400 for a list in which a task has no id or no type; 404."""
        return self._replace(release_id, _TASKS, _checked(body))

    def show_attributes(self, release_id: Id) -> Response:
        """200: the settings of new clusters, with the repos; 404."""
        return self._show(release_id, _ATTRIBUTES)

    def replace_attributes(self, release_id: Id, body: JsonBody) -> Response:
        """200: the new settings; 400; 404."""
        return self._replace(release_id, _ATTRIBUTES, require_object(body))

    def _show(self, release_id: int, field: str) -> Response:
        return Json(self._store.release(release_id).fields.detail(field))

    def _replace(self, release_id: int, field: str, value: object) -> Response:
        def change(current: ReleaseFields, _: RefuseTaken) -> ReleaseFields:
            return replace(current, details={**(current.details or {}), field: value})

        return Json(self._store.change_release(release_id, change).fields.detail(field))


def _checked(body: object) -> list[object]:
    if not isinstance(body, list):
        raise bad_request(f"{body!r} is not of type 'array'")
    for task in body:
        for name in ("id", "type"):
            if not isinstance(task, dict) or not isinstance(task.get(name), str):
                raise bad_request(f"{name!r} is a required property")
    return body
