"""The daemon's API, seen from the command line."""

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
import httpx

from fuel_upgrade.config import read
from fuel_upgrade.errors import OutsideError, from_json

P = ParamSpec("P")
R = TypeVar("R")

_TIMEOUT_S = 60.0  # a plan reads the front of a tarball; events of an install are waited for


@dataclass(frozen=True, slots=True)
class Target:
    """Which daemon to ask, as the options of the command say."""

    config: Path | None
    root: Path | None
    socket: Path | None

    def client(self) -> "DaemonClient":
        """Find the daemon's socket, and give a client for it.

        Raises:
            ConfigError: the configuration names the socket, and is wrong or cannot be read.
        """
        if self.socket is not None:
            return DaemonClient(self.socket)
        return DaemonClient(read(self.config, root=self.root).paths.socket)


def pass_client(
    command: Callable[Concatenate["DaemonClient", P], R],
) -> Callable[P, R]:
    """Give a command the client as its first argument."""

    @functools.wraps(command)
    def with_client(*args: P.args, **kwargs: P.kwargs) -> R:
        target = click.get_current_context().find_object(Target)
        if target is None:
            raise RuntimeError("the command runs outside of fuel-upgrade")
        return command(target.client(), *args, **kwargs)

    return with_client


class DaemonClient:
    """Talks to fuel-upgraded over its unix socket; its errors come back as they were raised."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(socket)),
            base_url="http://fuel-upgraded/v1",
            timeout=_TIMEOUT_S,
        )

    def get(self, path: str) -> Any:
        """Return what is at a path of the API.

        Raises:
            UpgradeError: as the daemon raised it; OutsideError where there is no daemon.
        """
        return self._call("GET", path)

    def post(self, path: str, body: dict[str, Any], *, key: str | None = None) -> Any:
        """Post to a path of the API, under an idempotency key or none; errors as :meth:`get`."""
        return self._call("POST", path, body, key)

    def delete(self, path: str) -> Any:
        """Delete what is at a path of the API; errors as :meth:`get`."""
        return self._call("DELETE", path)

    def events(self, job: str) -> Iterator[dict[str, Any]]:
        """Follow a job from its first event to its last; errors as :meth:`get`."""
        try:
            with self._http.stream("GET", f"/jobs/{job}/events", timeout=None) as answer:
                if answer.is_error:
                    answer.read()
                    raise _refused(answer)
                yield from (json.loads(line) for line in answer.iter_lines())
        except httpx.HTTPError as error:
            raise OutsideError(
                f"lost fuel-upgraded in the middle of job {job}: {error}",
                remedy="see what became of it: fuel-upgrade history, and the daemon's log",
            ) from error

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
    ) -> Any:
        headers = {} if key is None else {"Idempotency-Key": key}
        try:
            answer = self._http.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise OutsideError(
                f"fuel-upgraded does not answer at {self._socket}: {error}",
                remedy="start it: systemctl start fuel-upgrade, or fuel-upgraded --detach",
            ) from error
        if answer.is_error:
            raise _refused(answer)
        return answer.json()


def _refused(answer: httpx.Response) -> Exception:
    try:
        return from_json(answer.json())
    except ValueError:
        return OutsideError(
            f"fuel-upgraded answered {answer.status_code}", remedy="see the daemon's log"
        )
