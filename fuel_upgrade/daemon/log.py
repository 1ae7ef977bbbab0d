"""Logs: to a file for people and tools, and to stderr, which systemd puts into the journal."""

import logging
import logging.handlers
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

_SECRET_KEY = re.compile(r"password|passwd|token|secret|credential", re.IGNORECASE)
_SECRET_IN_URL = re.compile(r"(://[^/:@\s]+:)[^/@\s]+@")
MASK = "******"


def mask(value: Any) -> Any:
    """Return ``value`` with everything under a secret-sounding key, and in URLs, masked."""
    if isinstance(value, dict):
        return {
            key: MASK if _SECRET_KEY.search(str(key)) and item is not None else mask(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [mask(item) for item in value]
    if isinstance(value, str):
        return _SECRET_IN_URL.sub(rf"\1{MASK}@", value)
    return value


def _mask_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    masked: MutableMapping[str, Any] = mask(dict(event))
    return masked


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
            structlog.processors.KeyValueRenderer(
                key_order=["timestamp", "level", "event"], sort_keys=True
            ),
        ],
    )
    root = logging.getLogger()
    root.handlers.clear()
    root.setLevel(level.upper())
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # its life is told by ours
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.handlers.WatchedFileHandler(path, encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
