"""The OpenAPI description of a route: its body, its answers and its refusals."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from starlette.responses import Response

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.resources import JsonObject

#: The refusals of every route with a body: malformed, and too large.
_WITH_BODY = (400, 413)
_WHY = {
    400: "The body or a parameter is malformed; the text gives the reason",
    401: "No valid token, or a wrong name or password",
    403: "It is not of this user, or not deployable",
    404: "It does not exist",
    409: "The name is taken, or the current content prevents it",
    413: "The body is too large",
    429: "Too many wrong passwords, of this user or from this address",
}


def operation(
    *,
    gives: Mapping[int, JsonObject | None],
    takes: JsonObject | None = None,
    refuses: Sequence[int] = (),
    form: Literal["text", "v3"] = "text",
    headers: JsonObject | None = None,
) -> dict[str, Any]:
    """Return the arguments of ``add_api_route`` that describe it.

    Args:
        gives: the schema of each good answer by its status; None for one without a body.
        takes: the schema of the body.
        refuses: the statuses besides those of every route with a body.
        form: that of refusals: the contract's text, or the JSON of Keystone v3.
        headers: of the good answers.
    """
    refused = (*(_WITH_BODY if takes is not None else ()), *refuses)
    body = {"requestBody": {"required": True, "content": _json(takes)}} if takes else {}
    return {
        "status_code": next(iter(gives)),
        "response_class": Response,  # which names no type of content: the lines below do
        "responses": {
            **{status: _good(status, schema, headers) for status, schema in gives.items()},
            **{status: _refusal(status, form) for status in sorted(set(refused))},
        },
        "openapi_extra": body,
    }


def _good(status: int, schema: JsonObject | None, headers: JsonObject | None) -> JsonObject:
    content = {} if schema is None else {"content": _json(schema)}
    added = {"headers": headers} if headers else {}
    return {"description": HTTPStatus(status).phrase, **content, **added}


def _refusal(status: int, form: str) -> JsonObject:
    contents: dict[str, JsonObject] = {
        "text": {"content": {"text/html": {"schema": {"type": "string"}}}},
        "v3": {"content": _json(json_schemas.ERROR_V3)},
    }
    return {"description": _WHY[status], **contents[form]}


def _json(schema: JsonObject | None) -> JsonObject:
    return {"application/json": {"schema": schema}}
