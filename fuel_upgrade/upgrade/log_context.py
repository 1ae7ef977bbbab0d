"""The id of the current install, in each log line and request of its thread."""

from contextlib import AbstractContextManager

from structlog.contextvars import bound_contextvars, get_contextvars

_KEY = "install"


def bound_to(install: str) -> AbstractContextManager[None]:
    """Add the id of the install to each line that this thread logs inside the block."""
    return bound_contextvars(**{_KEY: install})


def install_under_way() -> str | None:
    """Return the id of the install that this thread runs, or None."""
    install = get_contextvars().get(_KEY)
    return None if install is None else str(install)
