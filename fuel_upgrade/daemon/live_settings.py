"""The settings that hold now: read when the daemon starts, and again when it is told to."""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace

from fuel_upgrade.config import Config, NailgunSettings

#: What was built from these stands as long as the daemon runs.
NEED_RESTART = ("master_ip", "repo_url", "paths", "registry", "metrics", "nailgun.url")


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Which settings have another value now, and which would have after a restart only."""

    changed: tuple[str, ...]
    need_restart: tuple[str, ...]


class LiveSettings:
    """Gives the settings that hold now, to any thread; whoever began with others keeps those."""

    def __init__(self, config: Config, read: Callable[[], Config]) -> None:
        self._config = config
        self._read = read

    @property
    def config(self) -> Config:
        """The settings for whatever begins now."""
        return self._config

    def reload(self) -> Reloaded:
        """Read the settings again; where they are wrong, the old ones stay.

        Raises:
            ConfigError: they are wrong, or a file that they name is.
        """
        old, read = self._config, self._read()
        nailgun = replace(read.nailgun, url=old.nailgun.url)
        kept = {name: getattr(old, name) for name in NEED_RESTART if "." not in name}
        new = replace(read, **kept, nailgun=nailgun)
        self._config = new
        return Reloaded(_differences(old, new), _differences(new, read))

    def set_login(self, nailgun: NailgunSettings) -> None:
        """Take these settings of Nailgun for whatever begins now."""
        self._config = replace(self._config, nailgun=nailgun)


def _differences(one: object, other: object, prefix: str = "") -> tuple[str, ...]:
    """Name the settings that differ; never a value, which may be a password."""
    found: list[str] = []
    for entry in fields(one):  # type: ignore[arg-type]
        mine, theirs = getattr(one, entry.name), getattr(other, entry.name)
        if is_dataclass(mine):
            found += _differences(mine, theirs, f"{prefix}{entry.name}.")
        elif mine != theirs:
            found.append(f"{prefix}{entry.name}")
    return tuple(found)
