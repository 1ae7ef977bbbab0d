"""Explains why a request got no response, and whether it may be sent again."""

import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from urllib3 import exceptions

from fuel_upgrade.nailgun.deadline import DamagedHeadError

_BACKOFF_S = 0.2
_BACKOFF_MAX_S = 5.0
_TUNNEL_MARK = "Tunnel connection failed: "
_UNKNOWN_CA = (
    "its certificate comes from a CA that is not trusted here",
    "set nailgun.ca_file in config.yaml to the PEM file of the CA that signed it",
)
_WRONG_NAME = (
    "its certificate is for another name",
    "use the name that is in the certificate as the host in config.yaml",
)
_NOT_NOW = "renew the certificate of the server, and check the clocks of both hosts"
#: OpenSSL's verification errors (x509_vfy.h), each with an explanation and a remedy.
_CERTIFICATE = {
    9: ("its certificate is not valid yet", _NOT_NOW),
    10: ("its certificate has expired", _NOT_NOW),
    18: (
        "its certificate is self-signed",
        "set nailgun.ca_file in config.yaml to this certificate, if you know that it is right",
    ),
    19: _UNKNOWN_CA,
    20: _UNKNOWN_CA,
    21: _UNKNOWN_CA,
    62: _WRONG_NAME,
    64: _WRONG_NAME,
}


class Kind(Enum):
    """The state of a request that got no response."""

    UNSENT = auto()
    """No connection was made: the server has not seen the request."""
    LOST = auto()
    """It may have been sent and carried out, but no complete response came."""
    FINAL = auto()
    """Sending it again would give the same result."""

    def may_repeat(self, *, is_idempotent: bool) -> bool:
        """Return whether the request may be sent again without being carried out twice."""
        return self is Kind.UNSENT or (self is Kind.LOST and is_idempotent)


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a response; ``remedy`` is None for the usual one."""

    kind: Kind
    why: str
    remedy: str | None = None


_UNANSWERED = (
    ((exceptions.NameResolutionError,), Failure(Kind.UNSENT, "its name has no address")),
    ((exceptions.NewConnectionError,), Failure(Kind.UNSENT, "no connection")),
    ((exceptions.ConnectTimeoutError,), Failure(Kind.UNSENT, "no connection in time")),
    ((exceptions.TimeoutError, TimeoutError), Failure(Kind.LOST, "no answer in time")),
    ((DamagedHeadError,), Failure(Kind.LOST, "the head of the answer is damaged or cut short")),
)
_CLOSED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


def backoff_s(tries: int) -> float:
    """Return the wait after the given number of attempts, in seconds: 0 at first, then doubling."""
    return 0.0 if tries <= 1 else min(_BACKOFF_MAX_S, _BACKOFF_S * 2.0 ** (tries - 1))


def explain(error: Exception, *, is_begun: bool) -> Failure:
    """Explain an exception of requests or urllib3; quote only ssl's text about a certificate.

    ``is_begun``: the header of the response had come.
    """
    causes = tuple(_causes(error))
    tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if tls is not None and not isinstance(tls, _CLOSED):
        return _explain_tls(tls)
    if _is_any(causes, (exceptions.ProxyError,)):
        return _explain_proxy(causes)
    for kinds, failure in _UNANSWERED:
        if _is_any(causes, kinds):
            return failure
    if is_begun:
        return Failure(Kind.LOST, "the connection broke before the answer was complete")
    if _is_any(causes, (exceptions.ProtocolError, exceptions.SSLError, OSError)):
        return Failure(Kind.LOST, "the connection was closed without an answer")
    return Failure(Kind.FINAL, type(error).__name__)


def _explain_tls(error: ssl.SSLError) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = error.verify_message.rstrip(".")
        why, remedy = _CERTIFICATE.get(error.verify_code, ("its certificate is not accepted", None))
        return Failure(Kind.FINAL, f"TLS: {why} ({detail})", remedy)
    if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return Failure(Kind.FINAL, "TLS: the server does not speak it at this port")
    return Failure(Kind.FINAL, f"TLS: no agreement with the server ({error.reason})")


def _explain_proxy(causes: tuple[BaseException, ...]) -> Failure:
    remedy = "check nailgun.proxy in config.yaml, its user and password, and that the proxy runs"
    if _is_any(causes, (exceptions.NewConnectionError,)):
        return Failure(Kind.UNSENT, "no connection to the proxy", remedy)
    # http.client has a text only: the mark, the status, the proxy's own message
    for text in map(str, causes):
        if text.startswith(_TUNNEL_MARK):
            status = text.removeprefix(_TUNNEL_MARK).partition(" ")[0]
            return Failure(Kind.FINAL, f"the proxy answered {status}", remedy)
    return Failure(Kind.UNSENT, "the proxy made no connection", remedy)


def _is_any(causes: Iterable[BaseException], kinds: tuple[type[BaseException], ...]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all exceptions that it wraps, outermost first."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = (getattr(cause, "reason", None), *cause.args, cause.__cause__, cause.__context__)
        waiting.extend(part for part in inner if isinstance(part, BaseException))
