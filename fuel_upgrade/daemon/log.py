"""The log: a file, and stderr, which systemd records in its journal."""

import logging
import logging.handlers
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import structlog

from fuel_upgrade.system.masking import mask

OURS = "fuel_upgrade"
_FIRST_KEYS = ("timestamp", "level", "event", "install", "job")
_LAST_KEYS = ("logger", "exception")
#: The priority of sd-daemon(3) for each log level, highest first.
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
    """Log from ``level`` on; libraries from warnings on, unless it is ``debug``."""
    own = level.upper()
    logging.getLogger().setLevel(own if own in ("DEBUG", "ERROR") else logging.WARNING)
    logging.getLogger(OURS).setLevel(own)


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether systemd connected this stream to its journal, systemd.exec(5)."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or no file
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def configure(path: Path | None, *, level: str) -> None:
    """Send all logs of this process, with those of libraries, to stderr and to ``path`` if given.

    The file is opened again after an external rotation.
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
        file = _PrivateFile(path, encoding="utf-8")
        file.setFormatter(formatter)
        root.addHandler(file)


class _PrivateFile(logging.handlers.WatchedFileHandler):
    """Creates the file, also after a rotation, for its owner only."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        return os.fdopen(os.open(self.baseFilename, flags, 0o600), "a", encoding=self.encoding)


class LineCounter(logging.Handler):
    """Reports the level of each line; levels above error count as error."""

    def __init__(self, count: Callable[[str], None]) -> None:
        super().__init__()
        self._count = count

    def emit(self, record: logging.LogRecord) -> None:
        """Report the level of a line."""
        self._count("error" if record.levelno >= logging.ERROR else record.levelname.lower())


class _Prefixed(logging.Formatter):
    """Prefixes each line with its priority in systemd's journal."""

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
    """Order the keys: those of every line first, the logger last, others as given."""
    first = {key: event[key] for key in _FIRST_KEYS if key in event}
    last = {key: event[key] for key in _LAST_KEYS if key in event}
    between = {key: value for key, value in event.items() if key not in {**first, **last}}
    return {**first, **between, **last}
