"""The refusals of the API: errors as answers, and their description in OpenAPI."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from fuel_upgrade.daemon.response_models.error_form import ErrorForm
from fuel_upgrade.errors import (
    BundleError,
    ConfigError,
    NotFoundError,
    OutsideError,
    PreflightError,
    UpgradeError,
)
from fuel_upgrade.outside_text import printable_json

_STATUS: tuple[tuple[type[UpgradeError], int], ...] = (
    (NotFoundError, 404),
    (ConfigError, 400),
    (BundleError, 422),
    (PreflightError, 409),
    (OutsideError, 502),
    (UpgradeError, 500),
)
_WHY = {
    400: "The request, or a setting, is wrong",
    404: "It does not exist",
    409: "The master is not ready, or another job is running",
    413: "The body is too large",
    422: "A tarball or a repo is damaged",
    500: "Unexpected failure",
    502: "Nailgun, Keystone or a tool failed",
}
#: The refusals of every route: each reads the journal, or calls Nailgun.
_ALWAYS = (409, 500, 502)
_DOCS = "see docs/api.rst for its form"
_log = structlog.get_logger("fuel_upgrade.api")


class PrintableResponse(JSONResponse):
    """An answer in JSON that every client can parse, whatever text from outside it has."""

    def render(self, content: Any) -> bytes:
        """Return the bytes of the answer."""
        return printable_json(content).encode()


def described(*refuses: int, status: int = 200, takes_body: bool = False) -> dict[str, Any]:
    """Return the arguments of a route that describe its status and its refusals."""
    statuses: Sequence[int] = (*((400, 413) if takes_body else ()), *refuses, *_ALWAYS)
    refused = {number: {"model": ErrorForm, "description": _WHY[number]} for number in statuses}
    return {"status_code": status, "responses": refused}


def streamed(media_type: str, *refuses: int) -> dict[str, Any]:
    """Return the same for a route whose answer is a stream of text."""
    described_all = described(*refuses)
    content = {media_type: {"schema": {"type": "string"}}}
    answer = {200: {"description": "OK", "content": content}}
    # a class without a content type, for an error has another one than the stream
    return {**described_all, "responses": {**described_all["responses"], **answer}} | {
        "response_class": Response
    }


def add_refusals(app: FastAPI) -> None:
    """Answer every error in the shape of ErrorForm."""

    @app.exception_handler(UpgradeError)
    def refuse(_request: Request, error: UpgradeError) -> JSONResponse:
        status = next(status for kind, status in _STATUS if isinstance(error, kind))
        return _answer(error, status)

    @app.exception_handler(RequestValidationError)
    def refuse_form(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        what = f"malformed request: {faults}"
        return _answer(ConfigError(what, remedy=_DOCS, code="bad-request"), 400)

    @app.exception_handler(HTTPException)
    def refuse_request(request: Request, error: HTTPException) -> JSONResponse:
        what = f"{request.method} {request.scope['path']}: {error.detail}"
        if error.status_code == _STATUS[0][1]:
            refused: UpgradeError = NotFoundError(what, remedy=_DOCS, code="no-route")
        else:
            refused = ConfigError(what, remedy=_DOCS, code="bad-request")
        return _answer(refused, error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    def refuse_unexpected(_request: Request, error: Exception) -> JSONResponse:
        _log.error("request broke", exc_info=error)
        unknown = UpgradeError(
            f"unexpected: {error!r}", remedy="report this with the log's last lines"
        )
        return _answer(unknown, 500)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, without the refusals that FastAPI adds by default."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    for item in document["paths"].values():
        for operation in item.values():
            presumed = operation["responses"].get("422", {})
            if "HTTPValidationError" in str(presumed):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    return document


def _answer(error: UpgradeError, status: int, **more: Any) -> JSONResponse:
    form = ErrorForm.model_validate(error.to_json())
    return PrintableResponse(form.to_json(), status_code=status, **more)
