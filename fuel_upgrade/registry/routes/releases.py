"""``/api/v1/releases``: what this registry is for."""

from fastapi import APIRouter
from starlette.responses import Response

from fuel_upgrade.registry import rules, schemas
from fuel_upgrade.registry.answers import Json, JsonBody, created, no_content
from fuel_upgrade.registry.describe import operation
from fuel_upgrade.registry.model import ReleaseFields
from fuel_upgrade.registry.routes.ids import Id
from fuel_upgrade.registry.store import Store


class Releases:
    """The handlers; ``master_ip`` is the value of the macro ``{MASTER_IP}``."""

    def __init__(self, store: Store, master_ip: str) -> None:
        self._store = store
        self._master_ip = master_ip

    def router(self) -> APIRouter:
        """Return the routes, below ``/api/v1/releases``."""
        router = APIRouter(prefix="/api/v1/releases", tags=["releases"])
        add, one, shown = router.add_api_route, "/{release_id:int}", schemas.RELEASE
        creates = operation(takes=schemas.NEW_RELEASE, gives={201: shown}, refuses=(409,))
        updates = operation(takes=schemas.CHANGED_RELEASE, gives={200: shown}, refuses=(404, 409))
        networks = operation(gives={200: schemas.NETWORKS}, refuses=(404,))
        add("", self.list_all, methods=["GET"], **operation(gives={200: schemas.RELEASES}))
        add("", self.create, methods=["POST"], **creates)
        add(one, self.show, methods=["GET"], **operation(gives={200: shown}, refuses=(404,)))
        add(one, self.update, methods=["PUT"], **updates)
        add(
            one, self.delete, methods=["DELETE"], **operation(gives={204: None}, refuses=(400, 404))
        )
        add(f"{one}/networks", self.networks, methods=["GET"], **networks)
        return router

    def list_all(self) -> Response:
        """200: every release, newest first."""
        return Json([release.to_wire() for release in self._store.releases()])

    def create(self, body: JsonBody) -> Response:
        """201; 400 for a wrong body; 409 for a name and version that are taken."""
        posted = rules.require_fields(body)
        self._store.refuse_taken(posted["name"], posted["version"])
        rules.check_structure(posted)
        fields = rules.amend(ReleaseFields(), posted, master_ip=self._master_ip)
        return created(self._store.add_release(fields).to_wire())

    def show(self, release_id: Id) -> Response:
        """200; 404."""
        return Json(self._store.release(release_id).to_wire())

    def update(self, release_id: Id, body: JsonBody) -> Response:
        """200: the release with what the body sets; 400; 404; 409."""
        current = self._store.release(release_id).fields
        posted = rules.require_object(body)
        rules.check_structure(posted)
        name, version = posted.get("name", current.name), posted.get("version", current.version)
        self._store.refuse_taken(name, version, other_than=release_id)
        fields = rules.amend(current, posted, master_ip=self._master_ip)
        return Json(self._store.put_release(release_id, fields).to_wire())

    def delete(self, release_id: Id) -> Response:
        """204; 400 while clusters use it; 404."""
        self._store.delete_release(release_id)
        return no_content()

    def networks(self, release_id: Id) -> Response:
        """200: the networks that were posted with the release; 404."""
        return Json(self._store.release(release_id).fields.detail("networks_metadata"))
