"""``/api/v1/version``."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.responses import Response

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.resources import JsonObject

#: There is no build of Nailgun behind this registry whose commits could be named.
_NO_SHA = "n/a"


class FuelVersion:
    """The handler; ``fuel_version`` is called at every request, for an upgrade changes it."""

    def __init__(self, fuel_version: Callable[[], str]) -> None:
        self._fuel_version = fuel_version

    def router(self) -> APIRouter:
        """Return the routes at both paths."""
        router = APIRouter(prefix="/api", tags=["version"])
        version = operation(gives={200: json_schemas.FUEL_VERSION})
        for path in ("/version", "/v1/version"):
            router.add_api_route(path, self.show, methods=["GET"], **version)
        return router

    def show(self) -> Response:
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
