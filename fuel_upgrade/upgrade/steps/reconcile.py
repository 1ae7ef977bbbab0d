"""Posts an object exactly once to a server that may not answer."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from fuel_upgrade.errors import ControlPlaneError

_TRIES = 4
_PAUSE_S = 0.5  # doubled at each try

Made = TypeVar("Made")


def until_known(
    post: Callable[[], Made],
    look: Callable[[], Made | None],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Made:
    """Return the result of ``post``; after a post without a clear answer, of ``look``.

    ``look`` returns the object of an earlier post if the server has it, else None: then the post
    is repeated. ``look`` does its own retries while the server restarts.

    Raises:
        ControlPlaneError: the server refuses, or gives no clear answer in any of the tries; and
            the errors of ``look``.
    """
    unanswered = 0
    while True:
        try:
            return post()
        except ControlPlaneError as error:
            if _is_refusal(error, is_first=not unanswered):
                raise
            unanswered += 1
            made = look()
            if made is not None:
                return made
            if unanswered == _TRIES:
                raise
            sleep(_PAUSE_S * 2 ** (unanswered - 1))


def _is_refusal(error: ControlPlaneError, *, is_first: bool) -> bool:
    """Return whether an error is a clear refusal, so that nothing was posted."""
    if error.status == HTTPStatus.CONFLICT:
        return is_first  # later the conflict may be with an earlier try of this process
    if error.status is None:
        return False
    return HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
