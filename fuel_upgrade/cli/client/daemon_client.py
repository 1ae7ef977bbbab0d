"""The client of the daemon."""

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from fuel_upgrade import __version__
from fuel_upgrade.cli.client.socket_path import find_socket
from fuel_upgrade.cli.console import echo
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.outside_text import is_unicode

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Target:
    """The daemon that the options of the command name."""

    config: Path | None
    root: Path | None
    socket: Path | None

    def client(self) -> "DaemonClient":
        """Return a client for the daemon's socket.

        Raises:
            ConfigError: the configuration, which names the socket, is invalid or unreadable.
        """
        return DaemonClient(self.socket or find_socket(self.config, self.root))


def current_target() -> Target:
    """Return the target of the command that runs."""
    target = click.get_current_context().find_object(Target)
    if target is None:
        raise RuntimeError("the command runs outside of fuel-upgrade")
    return target


def pass_client(
    command: Callable[Concatenate["DaemonClient", P], R],
) -> Callable[P, R]:
    """Pass the client to a command as its first argument."""

    @functools.wraps(command)
    def with_client(*args: P.args, **kwargs: P.kwargs) -> R:
        client = current_target().client()
        try:
            return command(client, *args, **kwargs)
        finally:
            _warn_of_version(client.daemon_version)

    return with_client


class DaemonClient:
    """Sends requests to fuel-upgraded over its unix socket, and raises its errors again."""

    daemon_version: str | None = None
    """The version in the daemon's last answer; None before the first, and of older daemons."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def get(self, path: str) -> Any:
        """Get a path of the API.

        Raises:
            UpgradeError: the error that the daemon raised; OutsideError: there is no daemon.
        """
        return self._call("GET", path)

    def post(
        self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Post to a path of the API; errors as :meth:`get`.

        Raises:
            ConfigError: the body has the name of a file that is not UTF-8.
        """
        text = json.dumps(body, ensure_ascii=False)
        if not is_unicode(text):
            raise ConfigError(
                f"not UTF-8, as names in a request to the daemon must be: {text}",
                remedy="rename that file or folder",
            )
        return self._call("POST", path, json.dumps(body), headers or {})

    def delete(self, path: str) -> Any:
        """Delete a path of the API; errors as :meth:`get`."""
        return self._call("DELETE", path)

    def events(self, job: str) -> Iterator[Any]:
        """Yield the JSON of each event of a job as it comes; errors as :meth:`get`.

        Raises:
            OutsideError: the connection broke, or a line is not JSON.
        """
        from fuel_upgrade.cli.client.exchange import Daemon

        yield from Daemon(self.socket, self._note_version).events(job)

    def _call(self, *request: Any) -> Any:
        # Imported here because commands without a request need no HTTP.
        from fuel_upgrade.cli.client.exchange import Daemon, Request

        return Daemon(self.socket, self._note_version).ask(Request(*request))

    def _note_version(self, version: str | None) -> None:
        self.daemon_version = version


def _warn_of_version(version: str | None) -> None:
    if version not in (None, __version__):
        echo(
            f"note: fuel-upgraded is of version {version}, this command of {__version__};"
            " when no install runs: systemctl restart fuel-upgrade",
            err=True,
        )
