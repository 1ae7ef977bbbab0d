"""The id of the install under way, in everything that its thread logs and sends."""

from contextlib import AbstractContextManager

from structlog.contextvars import bound_contextvars, get_contextvars

_KEY = "install"


def bound_to(install: str) -> AbstractContextManager[None]:
    """Have each line that this thread logs meanwhile name the install."""
    return bound_contextvars(**{_KEY: install})


def install_under_way() -> str | None:
    """Return the id of the install that this thread works on; None outside of one."""
    install = get_contextvars().get(_KEY)
    return None if install is None else str(install)
