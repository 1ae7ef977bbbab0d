"""The answer and the log message when the database does not work."""

import logging

from starlette.requests import Request
from starlette.responses import Response

from fuel_upgrade.registry.api.responses import Message
from fuel_upgrade.registry.refusal import UnavailableError

_log = logging.getLogger(__name__)


def answer_outage(_request: Request | None, error: Exception) -> Response:
    """Return 503 with a general text; the reason goes to the log."""
    if not isinstance(error, UnavailableError):
        raise error
    _log.warning(error.what)
    return Message(error.reason, error.status)
