"""Files that a command reads or writes for the operator; errors name the file and its remedy."""

import json
from pathlib import Path
from typing import Any

from fuel_upgrade.errors import ConfigError


def read_text(path: Path, *, remedy: str) -> str:
    """Return the text of a file; ConfigError with ``remedy`` if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", remedy=remedy) from error


def read_json(path: Path, kind: str, *, remedy: str) -> Any:
    """Return the content of a JSON file, such as a plan; ConfigError if it is none."""
    try:
        return json.loads(read_text(path, remedy=remedy))
    except ValueError as error:
        raise ConfigError(f"{path}: not {kind}: {error}", remedy=remedy) from error


def write_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file durably; ConfigError if that is impossible."""
    from fuel_upgrade.system.files import write_file

    try:
        write_file(path, text.encode(), mode=mode)
    except OSError as error:
        raise ConfigError(f"{path}: {error}", remedy="name a file that can be written") from error


def write_json(path: Path, data: Any, *, mode: int = 0o644) -> None:
    """Write a JSON file durably; errors as :func:`write_text`."""
    write_text(path, json.dumps(data, indent=2) + "\n", mode=mode)
