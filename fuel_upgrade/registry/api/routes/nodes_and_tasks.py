"""``/api/v1/{nodes,tasks,transactions}``, and lists of things that a registry never has."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json, no_content
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.api.routes.ids import Id
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.resources import Node, Task

#: Nailgun 9 and later call tasks transactions.
_TASKS = ("/tasks", "/transactions")
_EMPTY = ("/plugins", "/networks", "/nodegroups")
OfCluster = Annotated[str | None, Query(pattern="^[0-9]*$")]


class NodesAndTasks:
    """The handlers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def router(self) -> APIRouter:
        """Return the routes, below ``/api/v1``."""
        router = APIRouter(prefix="/api/v1", tags=["nodes and tasks"])
        add, node, task = router.add_api_route, Node.schema_of_answer(), Task.schema_of_answer()
        lists = operation(gives={200: json_schemas.list_of(node)}, refuses=(400,))
        shows = operation(gives={200: node}, refuses=(404,))
        add("/nodes", self.list_nodes, methods=["GET"], **lists)
        add("/nodes/{node_id:int}", self.show_node, methods=["GET"], **shows)
        lists = operation(gives={200: json_schemas.list_of(task)}, refuses=(400,))
        shows = operation(gives={200: task}, refuses=(404,))
        deletes = operation(gives={204: None}, refuses=(400, 404))
        for path in _TASKS:
            one = f"{path}/{{task_id:int}}"
            add(path, self.list_tasks, methods=["GET"], **lists)
            add(one, self.show_task, methods=["GET"], **shows)
            add(one, self.delete_task, methods=["DELETE"], **deletes)
        nothing = operation(gives={200: json_schemas.NOTHING})
        for path in _EMPTY:
            add(path, self.list_nothing, methods=["GET"], **nothing)
        return router

    def list_nodes(self, cluster_id: OfCluster = None) -> Response:
        """200: every node, or those of one cluster, or of none for an empty id; 400."""
        nodes = self._store.nodes()
        return Json([node.to_wire() for node in nodes if _is_of(node.cluster, cluster_id)])

    def show_node(self, node_id: Id) -> Response:
        """200; 404."""
        return Json(self._store.node(node_id).to_wire())

    def list_tasks(self, cluster_id: OfCluster = None) -> Response:
        """200: every task, or those of one cluster, or of none for an empty id; 400."""
        tasks = self._store.tasks()
        return Json([task.to_wire() for task in tasks if _is_of(task.cluster, cluster_id)])

    def show_task(self, task_id: Id) -> Response:
        """200; 404."""
        return Json(self._store.task(task_id).to_wire())

    def delete_task(self, task_id: Id) -> Response:
        """204; 400 while it runs; 404."""
        self._store.delete_task(task_id)
        return no_content()

    def list_nothing(self) -> Response:
        """200: an empty list."""
        return Json([])


def _is_of(cluster: int | None, selected: str | None) -> bool:
    return selected is None or selected == ("" if cluster is None else str(cluster))
