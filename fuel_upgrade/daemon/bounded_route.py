"""The routes of the API read the body of each request within bounds, and JSON strictly."""

import json
from collections.abc import Callable, Coroutine
from traceback import clear_frames
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from fuel_upgrade.system.http_limits import BodyTooLargeError, read_body
from fuel_upgrade.system.strict_json import parse_json


class BoundedRoute(APIRoute):
    """A route that refuses a large body before it does anything, also where it needs none."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of FastAPI, behind the check."""
        handle = super().get_route_handler()

        async def read_first(request: Request) -> Response:
            bounded = _BoundedRequest(request.scope, request.receive)
            if request.method == "POST":
                await bounded.body()
            try:
                return await handle(bounded)
            except RequestValidationError as error:
                # FastAPI's frame and its error refer to each other, and keep the body
                clear_frames(error.__traceback__)
                raise

        return read_first


class _BoundedRequest(Request):
    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            try:
                self._body = bytes(await read_body(self))
            except BodyTooLargeError as error:
                raise HTTPException(413, str(error)) from error
        return self._body

    async def json(self) -> Any:
        try:
            return parse_json(await self.body())
        except json.JSONDecodeError:
            raise  # FastAPI names the place
        except ValueError as error:
            raise HTTPException(400, f"the body is malformed: {error}") from error
