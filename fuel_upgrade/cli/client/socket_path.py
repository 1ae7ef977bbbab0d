"""The path of the daemon's socket, without the libraries that parse a configuration."""

from pathlib import Path

_DEFAULT_CONFIG = Path("/etc/fuel-upgrade/config.yaml")
_DEFAULT_SOCKET = Path("/run/fuel-upgrade/api.sock")
_MAY_HIDE = ("socket", "\\", "!")  # the key, or an escape or tag that may hide it


def find_socket(config: Path | None, root: Path | None) -> Path:
    """Return the path of the daemon's socket.

    A configuration that does not set it is not parsed, because that is slow. The daemon parses it
    at its start and reports its faults.

    Raises:
        ConfigError: a configuration that may set the path is invalid or unreadable.
    """
    place = config or (root or Path("/")) / _DEFAULT_CONFIG.relative_to("/")
    if _is_default(place, is_required=config is not None):
        return _DEFAULT_SOCKET if root is None else root / _DEFAULT_SOCKET.relative_to("/")
    from fuel_upgrade.config import read

    return read(config, root=root).paths.socket


def _is_default(place: Path, *, is_required: bool) -> bool:
    """Return whether a configuration certainly does not set the path of the socket.

    A line that begins with "#" is a comment or a part of a longer text, never a key.
    """
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        return not is_required
    except (OSError, UnicodeDecodeError):
        return False
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return not any(word in line for line in lines for word in _MAY_HIDE)
