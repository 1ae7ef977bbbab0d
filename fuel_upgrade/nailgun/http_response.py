"""The response to one request, and the error that names the exchange."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import urlsplit

from fuel_upgrade.errors import ControlPlaneError

_REASON_CHARS = 200
_MASK = "******"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Answer:
    """One response; ``body`` is complete and decoded, names in ``headers`` are in lower case."""

    method: str
    path: str
    status: int
    content_type: str
    body: bytes = field(repr=False)  # it may show a secret
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str | None = field(default=None, repr=False)

    def json(self) -> Any:
        """Return the parsed body.

        Raises:
            ControlPlaneError: the body is not JSON.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            kind = self.content_type or "no content type"
            # no cause: it has the body, which may show a secret
            raise self.error(f"expected JSON, found {kind}: {self.text}") from None

    @property
    def text(self) -> str:
        """The beginning of the body, on one line; the token is masked.

        Error pages of Nailgun's framework may show the headers of the request.
        """
        # masked before it is cut: half a token is a secret too
        masked = self._masked(self.body.decode(errors="replace"))
        shown = " ".join(masked[: 4 * _REASON_CHARS].split())
        return shown[:_REASON_CHARS] or "(empty)"

    @property
    def is_redirect(self) -> bool:
        """Whether the server names another address."""
        return self.status in _REDIRECTS

    @property
    def reason(self) -> str:
        """The reason in an error about an unexpected response."""
        if not self.is_redirect:
            return self.text
        target = say_url(self.headers.get("location", ""))
        return f"a redirect to {target}, which is not followed, lest the token go elsewhere"

    def hiding(self, secret: str | None) -> Self:
        """Return the response with a secret that its texts must mask."""
        return replace(self, secret=secret)

    def error(self, reason: str) -> ControlPlaneError:
        """Return the error that names this exchange."""
        return ControlPlaneError(self.method, self.path, self.status, self._masked(reason))

    def _masked(self, text: str) -> str:
        return text if self.secret is None else text.replace(self.secret, _MASK)


def say_url(url: str) -> str:
    """Return a URL without user, password and query, short and on one line."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "an address that cannot be read"
    place = (f"[{host}]" if ":" in host else host) if host else ""
    origin = f"{parts.scheme}://{place}{f':{port}' if port else ''}" if place else ""
    shown = "".join(c if c.isprintable() else "?" for c in origin + parts.path)
    return shown[:_REASON_CHARS] or "nowhere"
