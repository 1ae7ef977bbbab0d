"""``/api/v1/releases/ID/deployment-info``: the data for a node of a release."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter
from starlette.responses import Response

from fuel_upgrade.errors import UpgradeError
from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.api.routes.ids import Id
from fuel_upgrade.registry.lines import Line
from fuel_upgrade.registry.refusal import conflict, not_found
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.resources import Node
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.release.nailgun_repos import NOT_REPOS, read_release, repo_metadata

NodeSources = Callable[[RegisteredRelease], Mapping[str, str]]
"""Renders a release's repos as files of a node, path to text; raises UpgradeError if it cannot."""


class Deployment:
    """The handler; ``node_sources`` renders the sources, for a registry does not read repos."""

    def __init__(
        self, store: Store, master_ip: str, line: Line, node_sources: NodeSources | None
    ) -> None:
        self._store = store
        self._line = line
        self._master_ip = master_ip
        self._node_sources = node_sources

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(prefix="/api/v1/releases", tags=["releases"])
        described = operation(gives={200: json_schemas.DEPLOYMENT_INFO}, refuses=(404, 409))
        path = "/{release_id:int}/deployment-info"
        router.add_api_route(path, self.show, methods=["GET"], **described)
        return router

    def show(self, release_id: Id, node: str | None = None) -> Response:
        """200: the data of a release for Astute, and the sources for a node.

        ``node`` is an id or a name; without it the answer holds for any. 404; 409 for a release
        whose repos make no sources, or cannot be read.
        """
        shown = self._store.release(release_id).to_wire(self._line)
        try:
            release = read_release(shown, master_ip=self._master_ip)
            repos = repo_metadata(shown, self._master_ip)
        except NOT_REPOS as error:
            raise conflict(f"Its repos have no known form ({error})") from error
        shown_node = None if node is None else _find(self._store.nodes(), node)
        data = release.orchestrator
        return Json(
            {
                "release": {
                    "id": release.id,
                    "name": release.name,
                    "version": release.version,
                    "operating_system": release.operating_system,
                    "state": release.state,
                },
                "node": shown_node and shown_node.to_wire(),
                "repo_metadata": repos,
                "puppet_manifests_source": data.puppet_manifests_source if data else "",
                "puppet_modules_source": data.puppet_modules_source if data else "",
                "sources": self._render(release),
            }
        )

    def _render(self, release: RegisteredRelease) -> dict[str, str] | None:
        if self._node_sources is None:
            return None
        try:
            return dict(self._node_sources(release))
        except UpgradeError as error:
            raise conflict(f"{error.what}; {error.remedy}") from error


def _find(nodes: tuple[Node, ...], text: str) -> Node:
    """Return the node with this id, else the first with this name, or refuse with 404."""
    by_id = [node for node in nodes if str(node.id) == text]
    by_name = [node for node in nodes if node.name == text]
    for node in (*by_id, *by_name):
        return node
    raise not_found("Node")
