"""The checks before routing: trailing slash, token, accepted content type."""

from collections.abc import Callable
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from fuel_upgrade.registry.api.database_outage import answer_outage
from fuel_upgrade.registry.api.responses import Message
from fuel_upgrade.registry.refusal import UnavailableError

#: Keystone's logins, and the documents by which its clients find these. Paths below ``/v3``
#: check the token themselves.
_KEYSTONE = ("", "/v2.0", "/v2.0/tokens", "/v3", "/v3/auth/tokens")
PUBLIC = frozenset(
    {
        "/api/version",
        "/api/v1/version",
        "/",
        *_KEYSTONE[1:],
        *(f"/keystone{path}" for path in _KEYSTONE),
    }
)
#: Far longer than any path here. Python reads no number of more than 4300 digits.
_PATH_MAX_CHARS = 2000


class RequestChecks:
    """ASGI middleware: paths work with and without a trailing slash; most require a token.

    401 comes before 404 and 405, so that a client without a token cannot explore the paths.
    """

    def __init__(self, app: ASGIApp, knows_token: Callable[[str], bool]) -> None:
        self._app = app
        self._knows_token = knows_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or 415, or hand the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # the server sends no body in answer to HEAD
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        scope = {**scope, "method": method, "path": scope["path"].removesuffix("/") or "/"}
        headers = Headers(scope=scope)
        try:
            known = scope["path"] in PUBLIC or await self._is_known(headers)
        except UnavailableError as error:
            # the handlers of the application do not see this exception
            await answer_outage(None, error)(scope, receive, send)
            return
        if not known:
            await Response(status_code=HTTPStatus.UNAUTHORIZED)(scope, receive, send)
        elif not _accepts_json(headers):
            await Response(status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)(scope, receive, send)
        elif len(scope["path"]) > _PATH_MAX_CHARS:
            await Message("not found", HTTPStatus.NOT_FOUND)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _is_known(self, headers: Headers) -> bool:
        token = headers.get("X-Auth-Token")
        return token is not None and await run_in_threadpool(self._knows_token, token)


def _accepts_json(headers: Headers) -> bool:
    accepted = headers.get("Accept", "*/*")
    return any(kind in accepted for kind in ("application/json", "*/*"))
