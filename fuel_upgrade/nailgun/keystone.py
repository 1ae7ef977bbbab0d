"""Tokens from Keystone v2.0."""

from dataclasses import dataclass, field

from fuel_upgrade.errors import ControlPlaneError
from fuel_upgrade.nailgun.transport import Answer, Transport


@dataclass(slots=True)
class KeystoneV2:
    """Logs in at ``{url}/v2.0/tokens`` and keeps the token.

    Neither the password nor a token appears in the representation or in an error: not even what
    Keystone answers is quoted, since a server in debug mode may echo the request.
    """

    url: str
    username: str
    password: str = field(repr=False)
    tenant: str
    transport: Transport = field(repr=False)
    _token: str | None = field(default=None, init=False, repr=False)

    def token(self) -> str:
        """Return the token, logging in when there is none yet.

        Raises:
            ControlPlaneError: Keystone refuses, or does not answer.
        """
        return self._token if self._token is not None else self.renew()

    def renew(self) -> str:
        """Log in and return a new token, whatever was kept before.

        Raises:
            ControlPlaneError: Keystone refuses, or does not answer.
        """
        self._token = None
        root = self.url.rstrip("/").removesuffix("/v2.0")
        answer = self.transport.send("POST", f"{root}/v2.0/tokens", body=self._request())
        self._token = _read_token(answer, self.username)
        return self._token

    def _request(self) -> dict[str, object]:
        credentials = {"username": self.username, "password": self.password}
        return {"auth": {"tenantName": self.tenant, "passwordCredentials": credentials}}


def _read_token(answer: Answer, username: str) -> str:
    if answer.status == 401:  # noqa: PLR2004  # HTTP
        raise answer.error(f"Keystone does not accept the password of user {username!r}")
    if answer.status != 200:  # noqa: PLR2004  # HTTP
        raise answer.error("Keystone gave no token")
    try:
        token = answer.json()["access"]["token"]["id"]
    except (ControlPlaneError, LookupError, TypeError):
        # no cause: it may quote the answer
        raise answer.error("Keystone's answer has no token in it") from None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise answer.error("Keystone's answer has no usable token in it")
    return token
