"""Keystone v2.0 as far as a client of Nailgun needs it: a token for a name and a password."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json, JsonBody
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.auth.accounts import TOKEN_LIFETIME_S, Accounts
from fuel_upgrade.registry.auth.login import Login
from fuel_upgrade.registry.refusal import bad_request
from fuel_upgrade.registry.resources import JsonObject


class Keystone:
    """The handler; the contract's errors have no text here."""

    def __init__(self, accounts: Accounts, login: Login) -> None:
        self._accounts = accounts
        self._login = login

    def router(self) -> APIRouter:
        """Return the two places at which masters have Keystone: itself, and behind nginx."""
        router = APIRouter(tags=["Keystone v2.0"])
        described = operation(
            takes=json_schemas.PASSWORD_V2, gives={200: json_schemas.ACCESS}, refuses=(401, 429)
        )
        for path in ("/v2.0/tokens", "/keystone/v2.0/tokens"):
            router.add_api_route(path, self.create_token, methods=["POST"], **described)
        return router

    def create_token(self, request: Request, body: JsonBody) -> Response:
        """200 with a token; 400 for no credentials; 401 for wrong ones; 429 after too many."""
        name, password, tenant = _credentials(body)
        user_id = self._login.user_id(name, password, client_address(request))
        token, expires_s = self._accounts.issue_token(user_id)
        return Json(_access(_token(token, expires_s, tenant), str(user_id), name))


def client_address(request: Request) -> str:
    """Return the address that a request came from; empty where there is none, as on a pipe."""
    return request.client.host if request.client else ""


def _credentials(body: object) -> tuple[str, str, str]:
    auth = body.get("auth") if isinstance(body, dict) else None
    given = auth.get("passwordCredentials") if isinstance(auth, dict) else None
    if not isinstance(auth, dict) or not isinstance(given, dict):
        raise bad_request("")
    name, password = given.get("username"), given.get("password")
    if not isinstance(name, str) or not isinstance(password, str):
        raise bad_request("")
    return name, password, str(auth.get("tenantName", ""))


def _token(token: str, expires_s: int, tenant: str) -> JsonObject:
    expires = datetime.fromtimestamp(expires_s, tz=UTC)
    issued = datetime.fromtimestamp(expires_s - TOKEN_LIFETIME_S, tz=UTC)
    return {
        "id": token,
        "issued_at": f"{issued:%Y-%m-%dT%H:%M:%S.%f}",
        "expires": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
        "tenant": {"id": "1", "name": tenant, "description": None, "enabled": True},
    }


def _access(token: JsonObject, user_id: str, name: str) -> JsonObject:
    user = {
        "id": user_id,
        "name": name,
        "username": name,
        "roles": [{"name": "admin"}],
        "roles_links": [],
    }
    metadata = {"is_admin": 0, "roles": ["1"]}
    return {
        "access": {"token": token, "user": user, "metadata": metadata, "serviceCatalog": []},
    }
