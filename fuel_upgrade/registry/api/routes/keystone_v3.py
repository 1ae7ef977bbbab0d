"""Keystone v3 as far as a client needs it: create, show, check and revoke tokens."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json, LoginBody, no_content
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.api.routes.keystone_v2 import client_address
from fuel_upgrade.registry.auth.accounts import Accounts, TokenHolder
from fuel_upgrade.registry.auth.identity import UNSCOPED_PREFIX, parse_auth, render_token
from fuel_upgrade.registry.auth.login import Login
from fuel_upgrade.registry.refusal import RefusedError, not_found

#: Its paths: direct, and behind nginx.
PLACES = ("/v3", "/keystone/v3")

CallersToken = Annotated[str | None, Header(alias="X-Auth-Token")]
SubjectToken = Annotated[str | None, Header(alias="X-Subject-Token")]


class KeystoneV3:
    """The handlers. They check the caller's token themselves, for a login has none."""

    def __init__(self, accounts: Accounts, login: Login) -> None:
        self._accounts = accounts
        self._login = login

    def router(self) -> APIRouter:
        """Return the routes at both paths."""
        router = APIRouter(tags=["Keystone v3"])
        headers, absent = json_schemas.TOKEN_HEADERS, (401, 404)
        create = operation(
            takes=json_schemas.AUTH_V3,
            gives={201: json_schemas.TOKEN_V3},
            refuses=(401, 429),
            form="v3",
            headers=headers,
        )
        gives = {200: json_schemas.TOKEN_V3}
        show = operation(gives=gives, refuses=absent, form="v3", headers=headers)
        revoke = operation(gives={204: None}, refuses=absent, form="v3")
        for place in PLACES:
            path = f"{place}/auth/tokens"
            router.add_api_route(path, self.create, methods=["POST"], **create)
            router.add_api_route(path, self.show, methods=["GET"], **show)
            router.add_api_route(path, self.revoke, methods=["DELETE"], **revoke)
        return router

    def create(self, request: Request, body: LoginBody, nocatalog: str | None = None) -> Response:
        """201 with a token; 400 for another form; 401 for wrong credentials; 429 after too many."""
        login = parse_auth(body)
        name = login.name if login.user_id is None else self._name_of(login.user_id)
        user_id = self._login.user_id(name, login.password, client_address(request))
        prefix = "" if login.is_scoped else UNSCOPED_PREFIX
        token, expires_s = self._accounts.issue_token(user_id, prefix=prefix)
        holder = TokenHolder(user_id, name, expires_s)
        body_shown = render_token(token, holder, with_catalog=nocatalog is None)
        return Json(body_shown, 201, headers=_headers(token))

    def show(
        self,
        caller: CallersToken = None,
        subject: SubjectToken = None,
        nocatalog: str | None = None,
    ) -> Response:
        """200 with the token's scope and roles; 401 without a valid token of the caller; 404."""
        token, holder = self._subject(caller, subject)
        shown = render_token(token, holder, with_catalog=nocatalog is None)
        return Json(shown, headers=_headers(token))

    def revoke(self, caller: CallersToken = None, subject: SubjectToken = None) -> Response:
        """204: the token is revoked; 401 without a valid token of the caller; 404."""
        token, _ = self._subject(caller, subject)
        self._accounts.revoke_token(token)
        return no_content()

    def _subject(self, caller: str | None, subject: str | None) -> tuple[str, TokenHolder]:
        if caller is None or not self._accounts.knows_token(caller):
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "")
        holder = self._accounts.token_holder(subject) if subject is not None else None
        if subject is None or holder is None:
            raise not_found("Token")
        return subject, holder

    def _name_of(self, user_id: str) -> str:
        """Return the name of a user; for an unknown id any name, so that it takes as long."""
        is_number = user_id.isascii() and user_id.isdigit() and len(user_id) < len("9" * 11)
        return (self._accounts.user_name(int(user_id)) if is_number else None) or f"id {user_id}"


def _headers(token: str) -> dict[str, str]:
    return {"X-Subject-Token": token, "Vary": "X-Auth-Token"}
