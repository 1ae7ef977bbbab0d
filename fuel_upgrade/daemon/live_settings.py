"""The current settings: read at the start of the daemon and at each reload."""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace

from fuel_upgrade.config import Config, NailgunSettings

#: Settings that are used at the start of the daemon only.
NEED_RESTART = ("master_ip", "repo_url", "paths", "registry", "metrics", "nailgun.url")


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The settings that changed, and those that change after a restart only."""

    changed: tuple[str, ...]
    need_restart: tuple[str, ...]


class LiveSettings:
    """Gives the current settings to any thread; running work keeps those that it began with."""

    def __init__(self, config: Config, read: Callable[[], Config]) -> None:
        self._config = config
        self._read = read

    @property
    def config(self) -> Config:
        """The settings for new work."""
        return self._config

    def reload(self) -> Reloaded:
        """Read the settings again; keep the old ones if the new ones are invalid.

        Raises:
            ConfigError: the settings, or a file that they name, are invalid.
        """
        old, read = self._config, self._read()
        nailgun = replace(read.nailgun, url=old.nailgun.url)
        kept = {name: getattr(old, name) for name in NEED_RESTART if "." not in name}
        new = replace(read, **kept, nailgun=nailgun)
        self._config = new
        return Reloaded(_differences(old, new), _differences(new, read))

    def set_login(self, nailgun: NailgunSettings) -> None:
        """Use these settings of Nailgun for new work."""
        self._config = replace(self._config, nailgun=nailgun)


def _differences(old: object, new: object, prefix: str = "") -> tuple[str, ...]:
    """Return the names of the settings that differ, without values, which may be passwords."""
    names: list[str] = []
    for entry in fields(old):  # type: ignore[arg-type]
        mine, theirs = getattr(old, entry.name), getattr(new, entry.name)
        if is_dataclass(mine):
            names += _differences(mine, theirs, f"{prefix}{entry.name}.")
        elif mine != theirs:
            names.append(f"{prefix}{entry.name}")
    return tuple(names)
