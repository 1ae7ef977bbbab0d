"""The OpenAPI document of the registry: its routes and its middleware."""

from collections.abc import Collection, Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from fuel_upgrade import __version__
from fuel_upgrade.registry.api.json_schemas import COMPONENTS
from fuel_upgrade.registry.api.responses import LOGIN_MAX_BYTES
from fuel_upgrade.system.http_limits import BODY_MAX_BYTES

_ABOUT = f"""The release registry of fuel-upgraded: the contract of Nailgun for releases, as
recorded from 6.0 to 8.0.

Every path works with and without a slash at its end. A path that is not listed answers 404, a
method that is not listed 405, both as text; without a valid token both answer 401. A request that
accepts no JSON gets 415; a body has at most {BODY_MAX_BYTES} bytes, that of
a login {LOGIN_MAX_BYTES}."""
_TOKEN = "token"  # noqa: S105 - the name of the scheme
_MIDDLEWARE_REFUSES = {
    "401": {"description": "No valid token in X-Auth-Token; without a body"},
    "415": {"description": "The request accepts no JSON; without a body"},
    "503": {
        "description": "The database does not answer; the change may have been made",
        "content": {"text/html": {"schema": {"type": "string"}}},
    },
}


def describe(routes: Sequence[BaseRoute], *, public: Collection[str]) -> dict[str, Any]:
    """Return the OpenAPI document; paths in ``public`` need no token."""
    document = get_openapi(
        title="fuel-upgrade registry", version=__version__, description=_ABOUT, routes=routes
    )
    for path, item in document["paths"].items():
        for described in item.values():
            # FastAPI presumes this of every route with parameters; here they answer 400
            described["responses"].pop("422", None)
            _add_middleware_refusals(described, is_public=path in public)
    schemes = {_TOKEN: {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}}
    document["components"] = {"schemas": COMPONENTS, "securitySchemes": schemes}
    return document


def _add_middleware_refusals(described: dict[str, Any], *, is_public: bool) -> None:
    statuses = ("415", "503") if is_public else ("401", "415", "503")
    described["responses"] |= {status: _MIDDLEWARE_REFUSES[status] for status in statuses}
    if not is_public:
        described["security"] = [{_TOKEN: []}]
