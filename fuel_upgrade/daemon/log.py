"""Logs: to a file for people and tools, and to stderr, which systemd puts into the journal."""

import logging
import logging.handlers
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog

from fuel_upgrade.system.masking import mask

OURS = "fuel_upgrade"
_FIRST_KEYS = ("timestamp", "level", "event", "install", "job")
_LAST_KEYS = ("logger", "exception")
#: What sd-daemon(3) has for each level of logging, highest first.
_PRIORITIES = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
    (logging.DEBUG, 7),
)
_DEBUG = 7
ERROR_PRIORITY = "<3>"


def set_level(level: str) -> None:
    """Log from ``level`` on; of libraries warnings and above, unless it is ``debug``.

    A library tells of its own life at each start: ten lines that nobody reads.
    """
    own = level.upper()
    logging.getLogger().setLevel(own if own in ("DEBUG", "ERROR") else logging.WARNING)
    logging.getLogger(OURS).setLevel(own)


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether a stream is the one that systemd connected to its journal, systemd.exec(5)."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or no file
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def configure(path: Path | None, *, level: str) -> None:
    """Send every log of this process, also those of libraries, to ``path``, if any, and stderr.

    The file may be rotated from outside: it is opened again when its name has moved.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _mask_event,
        _order_keys,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.KeyValueRenderer(),
        ],
    )
    root = logging.getLogger()
    root.handlers.clear()
    set_level(level)
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setFormatter(_Prefixed(formatter) if is_journal(sys.stderr, os.environ) else formatter)
    root.addHandler(stderr)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = logging.handlers.WatchedFileHandler(path, encoding="utf-8")
        file.setFormatter(formatter)
        root.addHandler(file)


class LineCounter(logging.Handler):
    """Tells of the level of each line; what is above an error counts as an error."""

    def __init__(self, count: Callable[[str], None]) -> None:
        super().__init__()
        self._count = count

    def emit(self, record: logging.LogRecord) -> None:
        """Tell the level."""
        self._count("error" if record.levelno >= logging.ERROR else record.levelname.lower())


class _Prefixed(logging.Formatter):
    """Begins every line with the priority by which systemd's journal files it."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        priority = next((p for level, p in _PRIORITIES if record.levelno >= level), _DEBUG)
        lines = self._inner.format(record).splitlines()
        return "\n".join(f"<{priority}>{line}" for line in lines)


def _mask_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    masked: MutableMapping[str, Any] = mask(dict(event))
    return masked


def _order_keys(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put first what every line has, last where it comes from; between them, as it was given."""
    first = {key: event[key] for key in _FIRST_KEYS if key in event}
    last = {key: event[key] for key in _LAST_KEYS if key in event}
    between = {key: value for key, value in event.items() if key not in {**first, **last}}
    return {**first, **between, **last}
