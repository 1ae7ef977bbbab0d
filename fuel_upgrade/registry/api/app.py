"""The registry as an ASGI application: the contract recorded from Nailgun."""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.database_outage import answer_outage
from fuel_upgrade.registry.api.middleware import PUBLIC, RequestChecks
from fuel_upgrade.registry.api.openapi import describe
from fuel_upgrade.registry.api.responses import Json, Message
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.api.routes.clusters import Clusters
from fuel_upgrade.registry.api.routes.deployment import Deployment, NodeSources
from fuel_upgrade.registry.api.routes.fuel_version import FuelVersion
from fuel_upgrade.registry.api.routes.keystone_v2 import Keystone
from fuel_upgrade.registry.api.routes.keystone_v3 import PLACES, KeystoneV3
from fuel_upgrade.registry.api.routes.keystone_versions import Versions
from fuel_upgrade.registry.api.routes.nodes_and_tasks import NodesAndTasks
from fuel_upgrade.registry.api.routes.notifications import Notifications
from fuel_upgrade.registry.api.routes.release_parts import ReleaseParts
from fuel_upgrade.registry.api.routes.releases import Releases
from fuel_upgrade.registry.auth.identity import render_error
from fuel_upgrade.registry.auth.login import Login
from fuel_upgrade.registry.auth.throttle import FailedLogins
from fuel_upgrade.registry.lines import LINES, Line
from fuel_upgrade.registry.refusal import RefusedError, UnavailableError
from fuel_upgrade.registry.release_store import Store

#: The texts of Nailgun in errors of its framework, which are plain in every version.
_PLAIN = {HTTPStatus.NOT_FOUND: "not found", HTTPStatus.METHOD_NOT_ALLOWED: "None"}


def create_app(  # noqa: PLR0913 - the settings of a registry
    store: Store,
    *,
    master_ip: str,
    fuel_version: Callable[[], str],
    dialect: str = "6.0",
    node_sources: NodeSources | None = None,
    failed_logins: FailedLogins | None = None,
) -> FastAPI:
    """Return the application over ``store``.

    Args:
        store: the database; the caller closes it.
        master_ip: the value of the macro ``{MASTER_IP}``.
        dialect: which line of Nailgun versions it answers as, a key of :data:`lines.LINES`.
        fuel_version: gives the Fuel version at each request, for ``GET /version`` and new clusters.
        node_sources: renders a release's repos as files of a node; without it deployment info
            has none.
        failed_logins: counts wrong passwords; by default with the default limits.
    """
    # no pages of documentation: all paths outside the contract answer 404
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    login = Login(store.accounts, failed_logins or FailedLogins())
    line = LINES[dialect]
    resources = (
        Releases(store, master_ip, line),
        *(() if line.has_map else (ReleaseParts(store),)),
        Deployment(store, master_ip, line, node_sources),
        Notifications(store),
        Clusters(store, fuel_version, master_ip, line),
        NodesAndTasks(store),
        FuelVersion(fuel_version),
        Keystone(store.accounts, login),
        KeystoneV3(store.accounts, login),
        Versions(),
    )
    for resource in resources:
        app.routes.extend(resource.router().routes)  # flat, so that each can be matched
    _add_description(app)
    app.state.line = line
    app.add_exception_handler(RefusedError, _answer_refusal)
    app.add_exception_handler(UnavailableError, answer_outage)
    app.add_exception_handler(RequestValidationError, _answer_parameter)
    app.add_exception_handler(HTTPException, _answer_framework)
    app.add_middleware(RequestChecks, knows_token=store.accounts.knows_token)
    return app


def _add_description(app: FastAPI) -> None:
    def show_description() -> Response:
        """200: this document."""
        return Json(describe(app.routes, public=PUBLIC))

    described = operation(gives={200: json_schemas.OPENAPI})
    app.add_api_route("/openapi.json", show_description, methods=["GET"], **described)


def _answer_refusal(request: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    return _refuse(request, error.status, error.reason)


def _answer_parameter(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    return _refuse(request, 400, f"{first['loc'][-1]}: {first['msg']}")


def _answer_framework(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    headers = _allow(request) if status == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
    if request.scope["path"].startswith(PLACES):
        return Json(render_error(status, ""), status, headers=headers)
    return Message(_PLAIN.get(status, ""), status, headers=headers)


def _allow(request: Request) -> dict[str, str]:
    """Return the header that names every method of a path; the framework looks at one route."""
    methods: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= getattr(route, "methods", set())
    return {"Allow": ", ".join(sorted(methods))}


def _refuse(request: Request, status: int, text: str) -> Response:
    if request.scope["path"].startswith(PLACES):
        return Json(render_error(status, text), status)
    line: Line = request.app.state.line
    return Message({"message": text, "errors": []} if line.has_json_errors else text, status)
