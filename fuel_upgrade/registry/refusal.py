"""The errors with which the registry refuses a request."""

from http import HTTPStatus

from fuel_upgrade.errors import OutsideError


class RefusedError(Exception):
    """A request that the contract refuses: the status and the text of the answer."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class UnavailableError(OutsideError):
    """The database does not work: clients get 503 with no more information than ``reason``.

    ``what`` is for the operator and the log: it names the database, without a password.
    """

    default_code = "registry-unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    reason = "The registry's database does not answer; try again later"


def bad_request(reason: str) -> RefusedError:
    """Return a refusal with status 400."""
    return RefusedError(HTTPStatus.BAD_REQUEST, reason)


def not_found(kind: str) -> RefusedError:
    """Return the recorded 404 for an entity of this kind, such as ``Release``."""
    return RefusedError(HTTPStatus.NOT_FOUND, f"{kind} not found")


def conflict(reason: str) -> RefusedError:
    """Return a refusal with status 409."""
    return RefusedError(HTTPStatus.CONFLICT, reason)
