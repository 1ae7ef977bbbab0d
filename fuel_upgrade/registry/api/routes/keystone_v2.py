"""Keystone v2.0 as far as clients of Nailgun need it: logins, and a user's own password."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json, JsonBody, LoginBody
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.auth.accounts import TOKEN_LIFETIME_S, Accounts, TokenHolder
from fuel_upgrade.registry.auth.identity import PROJECT
from fuel_upgrade.registry.auth.login import Login
from fuel_upgrade.registry.refusal import RefusedError, bad_request
from fuel_upgrade.registry.resources import JsonObject

#: Its paths: direct, and behind nginx.
_PLACES = ("/v2.0", "/keystone/v2.0")
_LOOPBACK = "127.0.0.1"


class Keystone:
    """The handlers; the contract's errors have no text here."""

    def __init__(self, accounts: Accounts, login: Login) -> None:
        self._accounts = accounts
        self._login = login

    def router(self) -> APIRouter:
        """Return the routes at both paths."""
        router = APIRouter(tags=["Keystone v2.0"])
        access = {200: json_schemas.ACCESS}
        login = operation(takes=json_schemas.AUTH_V2, gives=access, refuses=(401, 429))
        change = operation(takes=json_schemas.NEW_PASSWORD, gives=access, refuses=(401, 403, 429))
        user = "/OS-KSCRUD/users/{user_id}"
        for place in _PLACES:
            router.add_api_route(f"{place}/tokens", self.create_token, methods=["POST"], **login)
            router.add_api_route(place + user, self.change_password, methods=["PATCH"], **change)
        return router

    def create_token(self, request: Request, body: LoginBody) -> Response:
        """200 with a token; 400 for no credentials; 401 for wrong ones; 429 after too many.

        A login by token gives that token again: it does not last longer.
        """
        auth = _object(body, "auth")
        if "passwordCredentials" not in auth:
            token = _text(_object(auth, "token"), "id")
            holder = self._accounts.token_holder(token)
            if holder is None:
                raise RefusedError(HTTPStatus.UNAUTHORIZED, "")
            return Json(_access(token, holder))
        given = _object(auth, "passwordCredentials")
        name, password = _text(given, "username"), _text(given, "password")
        user_id = self._login.user_id(name, password, client_address(request))
        return self._issue(user_id, name)

    def change_password(
        self,
        request: Request,
        user_id: str,
        body: JsonBody,
        caller: Annotated[str, Header(alias="X-Auth-Token")],
    ) -> Response:
        """200 with a new token: those before are revoked; 403 for another user than the caller.

        401 for a wrong original password; 429 after too many.
        """
        user = _object(body, "user")
        original, password = _text(user, "original_password"), _text(user, "password")
        holder = self._accounts.token_holder(caller)
        if holder is None or str(holder.user_id) != user_id:
            raise RefusedError(HTTPStatus.FORBIDDEN, "")
        if not password:
            raise bad_request("")
        self._login.user_id(holder.name, original, client_address(request))
        self._accounts.set_password(holder.name, password)
        return self._issue(holder.user_id, holder.name)

    def _issue(self, user_id: int, name: str) -> Response:
        token, expires_s = self._accounts.issue_token(user_id)
        return Json(_access(token, TokenHolder(user_id, name, expires_s)))


def client_address(request: Request) -> str:
    """Return the address that a request came from; empty on the daemon's own unix socket.

    Any user of this host can send from all addresses of 127.0.0.0/8: they count as one.
    """
    host = request.client.host if request.client else ""
    return _LOOPBACK if host.startswith("127.") else host


def _object(body: object, name: str) -> JsonObject:
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, dict):
        raise bad_request("")
    return value


def _text(body: JsonObject, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise bad_request("")
    return value


def _access(token: str, holder: TokenHolder) -> JsonObject:
    expires = datetime.fromtimestamp(holder.expires_s, tz=UTC)
    issued = datetime.fromtimestamp(holder.expires_s - TOKEN_LIFETIME_S, tz=UTC)
    shown: JsonObject = {
        "id": token,
        "issued_at": f"{issued:%Y-%m-%dT%H:%M:%S.%f}",
        "expires": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
        "tenant": {**PROJECT, "description": None, "enabled": True},
    }
    user = {
        "id": str(holder.user_id),
        "name": holder.name,
        "username": holder.name,
        "roles": [{"name": "admin"}],
        "roles_links": [],
    }
    metadata = {"is_admin": 0, "roles": ["1"]}
    return {"access": {"token": shown, "user": user, "metadata": metadata, "serviceCatalog": []}}
