"""The documents that list the versions of Keystone."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.resources import JsonObject

#: The versions as Keystone of OpenStack 2014.2, which Fuel 6.0 had, names them.
_UPDATED = {"v3": ("v3.0", "2013-03-06T00:00:00Z"), "v2.0": ("v2.0", "2014-04-17T00:00:00Z")}
_MEDIA_TYPE = "application/vnd.openstack.identity-{}+json"


class Versions:
    """The handlers. They need no token: clients call them before a login."""

    def router(self) -> APIRouter:
        """Return the routes, at the root and where nginx has Keystone."""
        router = APIRouter(tags=["Keystone"])
        every = operation(gives={300: json_schemas.VERSIONS})
        one = operation(gives={200: json_schemas.VERSION})
        for place in ("", "/keystone"):
            router.add_api_route(place or "/", self.every, methods=["GET"], **every)
            router.add_api_route(f"{place}/v3", self.v3, methods=["GET"], **one)
            router.add_api_route(f"{place}/v2.0", self.v2, methods=["GET"], **one)
        return router

    def every(self, request: Request) -> Response:
        """300: both versions, the newer one first."""
        return Json({"versions": {"values": [_version(request, v) for v in _UPDATED]}}, 300)

    def v3(self, request: Request) -> Response:
        """200: v3."""
        return Json({"version": _version(request, "v3")})

    def v2(self, request: Request) -> Response:
        """200: v2.0."""
        return Json({"version": _version(request, "v2.0")})


def _version(request: Request, name: str) -> JsonObject:
    number, updated = _UPDATED[name]
    return {
        "id": number,
        "status": "stable",
        "updated": updated,
        "links": [{"rel": "self", "href": f"{_place(request)}/{name}/"}],
        "media-types": [{"base": "application/json", "type": _MEDIA_TYPE.format(name)}],
    }


def _place(request: Request) -> str:
    """Return the URL of Keystone as the client wrote it.

    It is composed here, because the URL of a request cannot be parsed if its Host is malformed.
    """
    scope = request.scope
    host, port = scope.get("server") or ("localhost", None)
    named = request.headers.get("Host") or (f"{host}:{port}" if port else host)
    folder = "/keystone" if scope["path"].startswith("/keystone") else ""
    return f"{scope['scheme']}://{named}{folder}"
