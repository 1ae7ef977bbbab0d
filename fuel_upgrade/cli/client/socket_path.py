"""Where the daemon's socket is, found without the libraries that read a whole configuration."""

from pathlib import Path

_DEFAULT_CONFIG = Path("/etc/fuel-upgrade/config.yaml")
_DEFAULT_SOCKET = Path("/run/fuel-upgrade/api.sock")
_MAY_HIDE = ("socket", "\\", "!")  # the word, an escape, or a tag that may spell it otherwise


def find_socket(config: Path | None, root: Path | None) -> Path:
    """Return the path of the daemon's socket.

    A configuration that does not set it is not parsed: that would take longer than the whole
    command does. The daemon parses it, and reports its faults, when it starts.

    Raises:
        ConfigError: the configuration may set the path, and is wrong or cannot be read.
    """
    place = config or (root or Path("/")) / _DEFAULT_CONFIG.relative_to("/")
    if _is_default(place, is_required=config is not None):
        return _DEFAULT_SOCKET if root is None else root / _DEFAULT_SOCKET.relative_to("/")
    from fuel_upgrade.config import read

    return read(config, root=root).paths.socket


def _is_default(place: Path, *, is_required: bool) -> bool:
    """Say whether a configuration is certain to leave the socket's path alone.

    A line that begins with "#" is a comment, or a part of a longer text: never a key.
    """
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        return not is_required
    except (OSError, UnicodeDecodeError):
        return False
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return not any(word in line for line in lines for word in _MAY_HIDE)
