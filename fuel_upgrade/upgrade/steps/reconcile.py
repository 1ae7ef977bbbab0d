"""Posting what must not be posted twice, to a server that may not answer."""

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
    """Return what ``post`` made; where that is unclear, ``look`` for it before posting again.

    ``look`` is to ask the server too, and to try on its own while that restarts.

    Raises:
        ControlPlaneError: the server refuses, or nothing is clear after all tries; whatever
            ``look`` raises.
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
    """Tell a clear no from no answer, a failure half way, and a success that cannot be read."""
    if error.status == HTTPStatus.CONFLICT:
        return is_first  # else an earlier try of ours may be what it conflicts with
    if error.status is None:
        return False
    return HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
