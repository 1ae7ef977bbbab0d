"""The two kinds of answers in the contract, and the bodies of requests."""

import html
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from fuel_upgrade.registry.refusal import RefusedError, bad_request
from fuel_upgrade.system.http_limits import BODY_MAX_BYTES, BodyTooLargeError, read_body
from fuel_upgrade.system.strict_json import parse_json

#: Of a request without a token: nobody's memory may depend on them.
LOGIN_MAX_BYTES = 64 * 1024


class Json(Response):
    """An answer with a JSON body, whose objects keep their order."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """Return ``content`` as JSON text."""
        return json.dumps(content).encode()


class Message(Response):
    """A message as ``text/html``: how Nailgun answers errors, without tags.

    A mapping becomes JSON, as in answers of 6.1 and later.
    """

    media_type = "text/html"

    def render(self, content: object) -> bytes:
        """Return the message, safe to show as the HTML that it claims to be."""
        text = json.dumps(content) if isinstance(content, Mapping) else str(content)
        return html.escape(text, quote=False).encode()


def created(content: object) -> Json:
    """Return an answer 201."""
    return Json(content, HTTPStatus.CREATED)


def no_content() -> Response:
    """Return an answer 204, which has neither body nor content type."""
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _read_json(request: Request) -> object:
    return await _read(request, BODY_MAX_BYTES)


async def _read_login(request: Request) -> object:
    return await _read(request, LOGIN_MAX_BYTES)


async def _read(request: Request, most_bytes: int) -> object:
    try:
        body = await read_body(request, most_bytes)
    except BodyTooLargeError as error:
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from error
    if not body:
        raise bad_request("Empty request received")
    return parse_body(body)


def parse_body(body: bytes | bytearray) -> object:
    """Return the value of a JSON text.

    Raises:
        RefusedError: 400 for text that :func:`parse_json` refuses, or that not every database can
            store (half a surrogate pair, NUL).
    """
    try:
        value = parse_json(body, allow_repeated_keys=True)  # as Nailgun does
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except ValueError as error:
        raise bad_request("Invalid json received") from error
    if "\\u0000" in text and _has_nul(value):
        raise bad_request("Invalid json received")
    return value


def _has_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_nul, (*value.keys(), *value.values())))
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value


JsonBody = Annotated[object, Depends(_read_json)]
LoginBody = Annotated[object, Depends(_read_login)]
