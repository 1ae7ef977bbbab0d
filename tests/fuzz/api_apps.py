"""The applications of the daemon and of the registry, asked without a server."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.types import ASGIApp, Message, Scope

from fuel_upgrade.config import Config
from fuel_upgrade.daemon.api import create_app as create_daemon
from fuel_upgrade.daemon.api_context import ApiContext
from fuel_upgrade.daemon.jobs import Job, JobKind, Jobs, Work
from fuel_upgrade.daemon.live_settings import LiveSettings
from fuel_upgrade.daemon.metrics import Metrics
from fuel_upgrade.errors import ControlPlaneError, PreflightError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.registry.api.app import create_app as create_registry
from fuel_upgrade.registry.auth.throttle import FailedLogins, LoginLimits
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints

_NO_LIMITS = LoginLimits(per_name=1 << 60, per_address=1 << 60)


class _NoJobs(Jobs):
    """Jobs that are all refused, as while another one runs."""

    def start(
        self, job_id: str, work: Work, *, wait_s: float = 0, kind: JobKind = "install"
    ) -> Job:
        raise PreflightError(f"{job_id}: another job runs", remedy=f"do not {kind} now")


@contextmanager
def _no_control_plane() -> Iterator[ControlPlane]:
    raise ControlPlaneError("GET", "/", None, "there is none")
    yield  # type: ignore[unreachable]  # makes it a generator


def daemon(root: Path) -> ASGIApp:
    """Return the daemon of a master below ``root``, without Nailgun, which refuses all jobs."""
    config = Config(master_ip="127.0.0.1").under(root)
    jobs = _NoJobs()
    return create_daemon(
        ApiContext(
            read_config=lambda: config,
            connect=_no_control_plane,
            control_plane="none",
            jobs=jobs,
            fail_points=FailPoints(""),
            metrics=Metrics(lambda: config, jobs),
            reload=LiveSettings(config, lambda: config).reload,
        )
    )


class Registry:
    """A registry as one line of Nailgun versions, which begins again on request."""

    def __init__(self, line: str, folder: Path) -> None:
        self._line = line
        self._path = folder / f"{line}.sqlite"
        self._store: Store | None = None
        self.token = ""

    def begin(self) -> ASGIApp:
        """Return the application over a new database with the user ``fuzz``."""
        if self._store is not None:
            self._store.close()
            self._path.unlink()
        store = self._store = Store.open(f"sqlite:///{self._path}", hash_blocks=2)
        store.accounts.add_user("fuzz", "p")
        self.token, _ = store.accounts.issue_token(1)
        return create_registry(
            store,
            master_ip="10.20.0.2",
            fuel_version=lambda: self._line,
            dialect=self._line,
            failed_logins=FailedLogins(_NO_LIMITS),
        )


def ask(app: ASGIApp, method: str, path: str, body: bytes, token: str) -> int:
    """Send a request with a body of JSON; return the status of the answer."""
    statuses: list[int] = []
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return parts.pop() if parts else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    raw_path, _, query = path.partition("?")
    headers = {"content-type": "application/json", "x-auth-token": token, "host": "x"}
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": raw_path,
        "raw_path": raw_path.encode("utf-8", "replace"),
        "query_string": query.encode("utf-8", "replace"),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    _LOOP.run_until_complete(app(scope, receive, send))
    return statuses[0]


_LOOP = asyncio.new_event_loop()
