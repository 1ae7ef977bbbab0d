"""Learns whether a server expects paths with a trailing slash."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from fuel_upgrade.nailgun.http_response import Answer

_UNAUTHORIZED = 401
_NOT_FOUND = 404
_FIRST_FAULT_OF_SERVER = 500
_ID = re.compile(r"/\d+(?=/|$)")


class Slashes:
    """Remembers for each route the form of the path that a server accepts.

    Nailgun accepts both. A proxy before it may answer 404 to one form, or redirect to the other.
    """

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}

    def ask(self, path: str, send: Callable[[str], Answer]) -> Answer:
        """Send to ``path``, and to its other form if the response may be due to the slash.

        A request answered with 404 or a redirect was not carried out, so even a POST may be
        repeated. The token is sent to our server only, whatever host a redirect names.
        """
        route = _ID.sub("/ID", path.rstrip("/"))
        known = self._known.get(route)
        if known is not None:
            return send(_form(path, slash=known))
        first = send(path)
        slash = path.endswith("/")
        if not _misses(first):
            self._learn(route, first, slash=slash)
            return first
        other = send(_form(path, slash=not slash))
        if _misses(other):
            return first
        self._learn(route, other, slash=not slash)
        return other

    def _learn(self, route: str, answer: Answer, *, slash: bool) -> None:
        # a 401 precedes routing, and a failing server does not route
        is_routed = answer.status != _UNAUTHORIZED and answer.status < _FIRST_FAULT_OF_SERVER
        if is_routed and not answer.is_redirect:
            self._known[route] = slash


def _form(path: str, *, slash: bool) -> str:
    return path.rstrip("/") + ("/" if slash else "")


def _misses(answer: Answer) -> bool:
    """Return whether the response may be due to the slash."""
    if answer.status == _NOT_FOUND:
        return True
    if not answer.is_redirect:
        return False
    target = _path_of(answer.headers.get("location", ""))
    return target == _form(answer.path, slash=not answer.path.endswith("/"))


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
