"""``/api/v1/releases``."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from fuel_upgrade.registry import rules
from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json, JsonBody, created, no_content
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.api.routes.ids import Id
from fuel_upgrade.registry.lines import Line
from fuel_upgrade.registry.release_store import RefuseTaken, Store
from fuel_upgrade.registry.resources import JsonObject, ReleaseFields, StoredRelease


class Releases:
    """The handlers; ``master_ip`` is the value of the macro ``{MASTER_IP}``."""

    def __init__(self, store: Store, master_ip: str, line: Line) -> None:
        self._store = store
        self._master_ip = master_ip
        self._line = line

    def router(self) -> APIRouter:
        """Return the routes, below ``/api/v1/releases``."""
        router = APIRouter(prefix="/api/v1/releases", tags=["releases"])
        forms = json_schemas.of_release(self._line)
        add, one, shown = router.add_api_route, "/{release_id:int}", forms.shown
        lists = operation(gives={200: json_schemas.list_of(shown)})
        creates = operation(takes=forms.new, gives={201: shown}, refuses=(409,))
        updates = operation(takes=forms.changed, gives={200: shown}, refuses=(404, 409))
        networks = operation(gives={200: json_schemas.NETWORKS}, refuses=(404,))
        replaces = operation(
            takes=json_schemas.NETWORKS, gives={200: json_schemas.NETWORKS}, refuses=(404,)
        )
        add("", self.list_all, methods=["GET"], **lists)
        add("", self.create, methods=["POST"], **creates)
        add(one, self.show, methods=["GET"], **operation(gives={200: shown}, refuses=(404,)))
        add(one, self.update, methods=["PUT"], **updates)
        add(
            one, self.delete, methods=["DELETE"], **operation(gives={204: None}, refuses=(400, 404))
        )
        add(f"{one}/networks", self.networks, methods=["GET"], **networks)
        add(f"{one}/networks", self.replace_networks, methods=["PUT"], **replaces)
        return router

    def list_all(self) -> Response:
        """200: every release, in the order of Nailgun."""
        return Json([self._shown(release) for release in self._store.releases()])

    def create(self, body: JsonBody) -> Response:
        """201; 400 for a wrong body; 409 for a name and version that are taken."""
        posted = rules.require_fields(body, self._line)
        self._store.refuse_taken(posted["name"], posted["version"])
        rules.check_structure(posted, self._line)
        first = ReleaseFields(state=self._line.states[0])
        fields = rules.amend(first, posted, master_ip=self._master_ip, line=self._line)
        return created(self._shown(self._store.add_release(fields)))

    def show(self, release_id: Id) -> Response:
        """200; 404."""
        return Json(self._shown(self._store.release(release_id)))

    def update(self, release_id: Id, body: JsonBody) -> Response:
        """200: the release with the fields of the body; 400; 404; 409."""

        def change(current: ReleaseFields, refuse_taken: RefuseTaken) -> ReleaseFields:
            posted = rules.require_object(body)
            rules.check_structure(posted, self._line)
            refuse_taken(posted.get("name", current.name), posted.get("version", current.version))
            return rules.amend(current, posted, master_ip=self._master_ip, line=self._line)

        return Json(self._shown(self._store.change_release(release_id, change)))

    def delete(self, release_id: Id) -> Response:
        """204; 400 while clusters use it; 404."""
        self._store.delete_release(release_id)
        return no_content()

    def networks(self, release_id: Id) -> Response:
        """200: the networks that were posted with the release; 404."""
        return Json(self._store.release(release_id).fields.detail("networks_metadata"))

    def replace_networks(self, release_id: Id, body: JsonBody) -> Response:
        """200: the new networks; 400 without those of both providers; 404."""
        networks = rules.require_networks(body)

        def change(current: ReleaseFields, _: RefuseTaken) -> ReleaseFields:
            details = {**(current.details or {}), "networks_metadata": networks}
            return replace(current, details=details)

        self._store.change_release(release_id, change)
        return Json(networks)

    def _shown(self, release: StoredRelease) -> JsonObject:
        return release.to_wire(self._line)
