"""Tokens from Keystone, v2.0 and v3."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from fuel_upgrade.config import KEYSTONE_VERSIONS, NailgunSettings
from fuel_upgrade.errors import ControlPlaneError
from fuel_upgrade.nailgun.http_response import Answer
from fuel_upgrade.nailgun.transport import Transport

_FUEL_DEFAULT = "admin"  # Fuel's own user, password and project, as its installation makes them
_DOMAIN_DEFAULT = "Default"
_UNAUTHORIZED = 401  # HTTP
_AUTO, _V2, _V3 = KEYSTONE_VERSIONS
_TOKEN = re.compile(r"[!-~]+")  # it becomes a header: no space may be in it, no end of a line


@dataclass(frozen=True, slots=True)
class Login:
    """The user and project of a login; v2.0 calls the project a tenant and has no domains."""

    username: str
    password: str = field(repr=False)
    project: str
    user_domain: str
    project_domain: str

    @classmethod
    def of(cls, settings: NailgunSettings) -> Self:
        """Return the login of the settings, with the defaults of Fuel and Keystone."""
        password = _FUEL_DEFAULT if settings.password is None else settings.password
        return cls(
            username=settings.username or _FUEL_DEFAULT,
            password=password,
            project=settings.tenant or _FUEL_DEFAULT,
            user_domain=settings.user_domain or _DOMAIN_DEFAULT,
            project_domain=settings.project_domain or _DOMAIN_DEFAULT,
        )


class TokenKeeper:
    """The token of one server, for all clients that share the keeper; from any thread.

    ``is_open`` is set where the server's authentication is off, so that it needs no token.
    """

    def __init__(self, token: str | None = None) -> None:
        self.token = token
        self.is_open = False


class Keystone:
    """Logs in below ``url``, and stores the token in ``keeper``.

    ``version`` is ``v2.0``, ``v3`` or ``auto``: the version at the end of ``url``, or else v3 if
    the server offers it. Neither the password nor a token appears in the representation or in an
    error: responses of Keystone are not quoted, since in debug mode it may echo the request.

    A refused login is repeated once if ``read_login`` returns another one; ``remedy`` is that of
    the error if it is refused again.
    """

    def __init__(  # noqa: PLR0913 - the parts of a login
        self,
        url: str,
        *,
        version: str,
        login: Login,
        transport: Transport,
        keeper: TokenKeeper,
        read_login: Callable[[], Login] | None = None,
        remedy: str | None = None,
    ) -> None:
        self.url, named = _split_version(url)
        self.login = login
        self._version = named if version == _AUTO else version
        self._transport = transport
        self._keeper = keeper
        self._read_login = read_login or (lambda: login)
        self._remedy = remedy

    def __repr__(self) -> str:
        return f"Keystone({self.url!r}, {self.login!r})"

    def version(self) -> str:
        """Return the version to use; ask the server once if it is not configured.

        Raises:
            ControlPlaneError: Keystone does not answer, or fails.
        """
        if self._version is None:
            answer = self._transport.send("GET", f"{self.url}/{_V3}")
            if answer.status >= 500:  # noqa: PLR2004  # HTTP
                # no sign of an old Keystone, and v2.0 has no domains
                raise answer.error("Keystone does not say which versions it has")
            self._version = _V3 if _shows_v3(answer) else _V2
        return self._version

    def renew(self) -> str:
        """Log in and return a new token, which replaces the kept one.

        Raises:
            ControlPlaneError: Keystone refuses, or does not answer.
            ConfigError: it refuses, and the password cannot be read again.
        """
        self._keeper.token = None
        try:
            token = self._log_in()
        except ControlPlaneError as error:
            if error.status != _UNAUTHORIZED:
                raise
            changed = self._read_login()
            if changed == self.login:
                raise
            self.login = changed
            token = self._log_in()
        self._keeper.token = token
        return token

    def _log_in(self) -> str:
        form = _FORMS[self.version()]
        url = f"{self.url}/{self.version()}/{form.path}"
        answer = self._transport.send("POST", url, body=form.request(self.login))
        try:
            return _read_token(answer, form, self.login)
        except ControlPlaneError as error:
            if error.status == _UNAUTHORIZED:
                raise error.amended(
                    remedy=self._remedy
                ) from None  # no cause: no text of Keystone is shown
            raise


@dataclass(frozen=True, slots=True)
class _Form:
    """The login request of one version of Keystone, and the place of the token in its response."""

    path: str
    created: int
    request: Callable[[Login], Mapping[str, Any]]
    read: Callable[[Answer], Any]
    say: Callable[[Login], str]


def _request_v2(login: Login) -> Mapping[str, Any]:
    credentials = {"username": login.username, "password": login.password}
    return {"auth": {"tenantName": login.project, "passwordCredentials": credentials}}


def _request_v3(login: Login) -> Mapping[str, Any]:
    """Return the body of a scoped password authentication (Identity API v3)."""
    user = {
        "name": login.username,
        "domain": {"name": login.user_domain},
        "password": login.password,
    }
    project = {"name": login.project, "domain": {"name": login.project_domain}}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": project}}}


_FORMS = {
    _V2: _Form(
        path="tokens",
        created=200,
        request=_request_v2,
        read=lambda answer: answer.json()["access"]["token"]["id"],
        say=lambda login: f"user {login.username!r} (tenant {login.project!r})",
    ),
    _V3: _Form(
        path="auth/tokens",
        created=201,
        request=_request_v3,
        read=lambda answer: answer.headers["x-subject-token"],
        say=lambda login: (
            f"user {login.username!r} of domain {login.user_domain!r} "
            f"(project {login.project!r} of domain {login.project_domain!r})"
        ),
    ),
}


def _split_version(url: str) -> tuple[str, str | None]:
    """Return the root URL of Keystone, and the version at the end of ``url``, if any."""
    base = url.rstrip("/")
    root, _, end = base.rpartition("/")
    return (root, end) if end in _FORMS else (base, None)


def _read_token(answer: Answer, form: _Form, login: Login) -> str:
    if answer.status == _UNAUTHORIZED:
        raise answer.error(f"Keystone does not accept the password of {form.say(login)}")
    if answer.status != form.created:
        reason = answer.reason if answer.is_redirect else "Keystone gave no token"
        raise answer.error(reason)
    try:
        token = form.read(answer)
    except (ControlPlaneError, LookupError, TypeError):
        # no cause: it may quote the answer
        raise answer.error("Keystone's answer has no token in it") from None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise answer.error("Keystone's answer has no usable token in it")
    return token


def _shows_v3(answer: Answer) -> bool:
    """Return whether a response is Keystone's version document and includes version 3.

    The status is not enough: some servers answer every path with a page of their own.
    """
    try:
        data = answer.json()
    except ControlPlaneError:
        return False
    if answer.status not in (200, 300) or not isinstance(data, dict):
        return False
    listed = data.get("versions")
    several = listed.get("values") if isinstance(listed, dict) else None
    entries = [data.get("version"), *(several if isinstance(several, list) else [])]
    return any(isinstance(e, dict) and str(e.get("id")).startswith(_V3) for e in entries)
