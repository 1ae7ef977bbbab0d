"""The JSON of Keystone's Identity API v3: login requests and tokens."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from fuel_upgrade.registry.auth.accounts import TOKEN_LIFETIME_S, TokenHolder
from fuel_upgrade.registry.refusal import RefusedError, bad_request
from fuel_upgrade.registry.resources import JsonObject

DOMAIN: Mapping[str, str] = {"id": "default", "name": "Default"}
#: The only project, to which every user belongs with the only role.
PROJECT: Mapping[str, str] = {"id": "1", "name": "admin"}
ROLE: Mapping[str, str] = {"id": "1", "name": "admin"}
#: Begins the tokens that are of no project; the database has no column for it.
UNSCOPED_PREFIX = "u-"


class _Form(BaseModel):
    model_config = ConfigDict(strict=True)


class DomainForm(_Form):
    """A domain, by id or by name."""

    id: str | None = None
    name: str | None = None


class UserForm(_Form):
    """A user, by id, or by name and domain; and the password."""

    id: str | None = None
    name: str | None = None
    domain: DomainForm | None = None
    password: str


class PasswordForm(_Form):
    """The method ``password``."""

    user: UserForm


class IdentityForm(_Form):
    """The method of the login."""

    methods: list[str]
    password: PasswordForm | None = None


class ProjectForm(_Form):
    """A project, by id, or by name and domain."""

    id: str | None = None
    name: str | None = None
    domain: DomainForm | None = None


class ScopeForm(_Form):
    """The scope of the token."""

    project: ProjectForm | None = None
    unscoped: dict[str, object] | None = None


class AuthForm(_Form):
    """A login. Without a scope the token is of the user's default project."""

    identity: IdentityForm
    scope: ScopeForm | Literal["unscoped"] | None = None


class AuthRequest(_Form):
    """The body of ``POST /v3/auth/tokens``."""

    auth: AuthForm


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """A login request: a user by id or, if that is None, by name."""

    user_id: str | None
    name: str
    password: str
    is_scoped: bool


def parse_auth(body: object) -> LoginRequest:
    """Parse a login request.

    Raises:
        RefusedError: 400 for a malformed body; 401 for an unknown method, domain or project, as for
            a wrong password.
    """
    try:
        auth = AuthRequest.model_validate(body).auth
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise bad_request(f"{place}: {first['msg']}") from error
    if auth.identity.methods != ["password"]:
        raise _unauthorized("Attempted to authenticate with an unsupported method.")
    if auth.identity.password is None:
        raise bad_request("Expecting to find password in identity.")
    user = auth.identity.password.user
    if user.id is None and (user.name is None or user.domain is None):
        raise bad_request("Expecting to find id, or name and domain, in user.")
    if user.id is None and not _is_ours(user.domain):
        raise _unauthorized("")
    return LoginRequest(user.id, user.name or "", user.password, _is_scoped(auth.scope))


def render_token(token: str, holder: TokenHolder, *, with_catalog: bool) -> JsonObject:
    """Return the JSON of a token."""
    shown: JsonObject = {
        "methods": ["password"],
        "user": {
            "id": str(holder.user_id),
            "name": holder.name,
            "domain": dict(DOMAIN),
            "password_expires_at": None,
        },
        "audit_ids": [_audit_id(token)],
        "issued_at": _instant(holder.expires_s - TOKEN_LIFETIME_S),
        "expires_at": _instant(holder.expires_s),
    }
    if not token.startswith(UNSCOPED_PREFIX):
        shown |= {"project": {**PROJECT, "domain": dict(DOMAIN)}, "is_domain": False}
        shown |= {"roles": [dict(ROLE)]}
        shown |= {"catalog": []} if with_catalog else {}
    return {"token": shown}


def render_error(status: int, message: str) -> JsonObject:
    """Return the body of a refusal."""
    known = HTTPStatus(status)
    text = message or _USUAL_MESSAGES.get(known, known.description or known.phrase)
    return {"error": {"code": status, "title": known.phrase, "message": text}}


_USUAL_MESSAGES = {
    HTTPStatus.UNAUTHORIZED: "The request you have made requires authentication.",
    HTTPStatus.NOT_FOUND: "Could not find the resource.",
}


def _is_scoped(scope: ScopeForm | str | None) -> bool:
    if scope is None:
        return True
    if isinstance(scope, str) or scope.unscoped is not None:
        return False
    project = scope.project
    if project is None:
        raise _unauthorized("")
    if project.id is not None:
        is_known = project.id == PROJECT["id"]
    elif project.name is None or project.domain is None:
        raise bad_request("Expecting to find id, or name and domain, in project.")
    else:
        is_known = project.name == PROJECT["name"] and _is_ours(project.domain)
    if not is_known:
        raise _unauthorized("")
    return True


def _is_ours(domain: DomainForm | None) -> bool:
    if domain is None or (domain.id is None and domain.name is None):
        return False
    # Keystone's databases compare names without regard to case, ids with it.
    is_named = domain.name is None or domain.name.casefold() == DOMAIN["name"].casefold()
    return is_named and domain.id in (None, DOMAIN["id"])


def _unauthorized(reason: str) -> RefusedError:
    return RefusedError(HTTPStatus.UNAUTHORIZED, reason)


def _instant(time_s: int) -> str:
    return f"{datetime.fromtimestamp(time_s, tz=UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _audit_id(token: str) -> str:
    """Return a name of the token that is safe in logs; it is always the same."""
    digest = hashlib.sha256(f"audit {token}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
