"""The registry as an ASGI application: the contract recorded from Nailgun 6.0."""

from collections.abc import Callable

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from fuel_upgrade.registry.answers import Message
from fuel_upgrade.registry.gate import Gate
from fuel_upgrade.registry.outage import answer_outage
from fuel_upgrade.registry.refusal import RefusedError, UnavailableError
from fuel_upgrade.registry.routes.clusters import Clusters
from fuel_upgrade.registry.routes.keystone import Keystone
from fuel_upgrade.registry.routes.notifications import Notifications
from fuel_upgrade.registry.routes.releases import Releases
from fuel_upgrade.registry.rules import LINES
from fuel_upgrade.registry.store import Store

#: What Nailgun sends with errors that the framework, not a handler, answers.
_FRAMEWORK_TEXT = {405: "None"}


def create_app(
    store: Store, *, master_ip: str, fuel_version: Callable[[], str], dialect: str = "6.0"
) -> FastAPI:
    """Return the application over ``store``.

    Args:
        store: the database; the caller closes it.
        master_ip: the value of the macro ``{MASTER_IP}``.
        dialect: which line of Nailgun versions it answers as, a key of :data:`rules.LINES`.
        fuel_version: asked at every request; what ``GET /version`` and new clusters name.
    """
    # no pages that describe the API: all paths but those of the contract answer 404
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    resources = (
        Releases(store, master_ip, LINES[dialect]),
        Notifications(store),
        Clusters(store, fuel_version),
        Keystone(store),
    )
    for resource in resources:
        app.include_router(resource.router())
    app.add_exception_handler(RefusedError, _answer_refusal)
    app.add_exception_handler(UnavailableError, answer_outage)
    app.add_exception_handler(HTTPException, _answer_framework)
    app.add_middleware(Gate, knows_token=store.knows_token)
    return app


def _answer_refusal(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    return Message(error.reason, error.status)


def _answer_framework(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    text = _FRAMEWORK_TEXT.get(error.status_code, "")
    return Message(text, error.status_code, headers=error.headers)
