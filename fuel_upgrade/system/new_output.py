"""Outputs are new files: a command overwrites none."""

from pathlib import Path

from fuel_upgrade.errors import ConfigError


def require_new(path: Path) -> None:
    """Refuse an output file that exists.

    Raises:
        ConfigError: it exists.
    """
    if path.exists():
        raise ConfigError(f"{path}: exists already", remedy="name a new file, or remove this one")
