"""The two kinds of answers in the contract, and the bodies of requests."""

import html
import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from fuel_upgrade.registry.refusal import RefusedError, bad_request

BODY_MAX_BYTES = 16 * 1024 * 1024
#: The deepest ``openstack.yaml`` has about ten. Far below the limit of the json module, so that
#: every accepted body can be returned inside an answer.
MAX_DEPTH = 100


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
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            reason = f"The body is larger than {BODY_MAX_BYTES} bytes"
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
    if not body:
        raise bad_request("Empty request received")
    return parse_json(bytes(body))


def parse_json(body: bytes) -> object:
    """Return the value of a JSON text.

    Raises:
        RefusedError: 400 for text that is not JSON (NaN and numbers that overflow included), is
            nested deeper than :data:`MAX_DEPTH`, or has text that not every database can store
            (half a surrogate pair, NUL).
    """
    try:
        value: object = json.loads(body)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        _refuse_unstorable(value)
    except (ValueError, RecursionError) as error:
        raise bad_request("Invalid json received") from error
    return value


def _refuse_unstorable(value: object) -> None:
    level = [value]
    for _depth in range(MAX_DEPTH):
        if any(isinstance(part, str) and "\0" in part for part in level):
            raise ValueError("a text has a NUL")
        level = [inner for part in level for inner in _parts(part)]
        if not level:
            return
    raise ValueError(f"nested deeper than {MAX_DEPTH}")


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return (*value.keys(), *value.values())
    return value if isinstance(value, list) else ()


JsonBody = Annotated[object, Depends(_read_json)]
