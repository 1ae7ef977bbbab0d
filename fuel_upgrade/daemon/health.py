"""``/health`` and ``/metrics``: on the daemon's socket, and on a loopback port where one is set."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import structlog
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field

from fuel_upgrade import __version__
from fuel_upgrade.config import Config
from fuel_upgrade.daemon.error_responses import add_refusals, described, streamed
from fuel_upgrade.daemon.metrics import Metrics
from fuel_upgrade.errors import OutsideError, RollbackError
from fuel_upgrade.system.http_limits import BoundedProtocol
from fuel_upgrade.upgrade.transaction.journal import Journal

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
_UNREADY = 503  # HTTP
_START_TIMEOUT_S = 10.0
_POLL_S = 0.01
_log = structlog.get_logger("fuel_upgrade.health")


class PartForm(BaseModel):
    """A component that installs need."""

    ok: bool = Field(description="Whether the part works.")
    detail: str = Field(description="Its state in words.")


class HealthForm(BaseModel):
    """Whether the daemon can do its work; an answer of any kind shows that it runs."""

    format: Literal[1] = Field(description="The number of this form.")
    ready: bool = Field(description="Whether installs are possible.")
    version: str = Field(description="The version of the daemon.")
    checks: dict[str, PartForm] = Field(description="By name: ``journal`` and ``control_plane``.")


@dataclass(frozen=True, slots=True)
class Observed:
    """The sources of ``/health`` and ``/metrics``."""

    read_config: Callable[[], Config]
    control_plane: str
    metrics: Metrics

    def health(self) -> HealthForm:
        """Check that the journal is readable and the control plane is known, without a request."""
        checks = {
            "journal": self._journal(),
            "control_plane": PartForm(ok=bool(self.control_plane), detail=self.control_plane),
        }
        ready = all(part.ok for part in checks.values())
        return HealthForm(format=1, ready=ready, version=__version__, checks=checks)

    def _journal(self) -> PartForm:
        path = self.read_config().paths.journal
        try:
            count = len(Journal(path).installs())
        except (RollbackError, OSError, ValueError) as error:
            return PartForm(ok=False, detail=str(error))
        return PartForm(ok=True, detail=f"{path}: {count} entries")


def add_health_routes(app: FastAPI, observed: Observed) -> None:
    """Add the two routes; docs/api.rst describes them to users."""
    answers = described()
    answers["responses"][_UNREADY] = {"model": HealthForm, "description": "Not ready"}

    @app.get("/health", response_model=HealthForm, **answers)
    def health() -> JSONResponse:
        """Show whether the daemon is ready. Cheap; asks no server."""
        health = observed.health()
        return JSONResponse(health.model_dump(), status_code=200 if health.ready else _UNREADY)

    @app.get("/metrics", **streamed("text/plain"))
    def metrics() -> PlainTextResponse:
        """Show the metrics in Prometheus' text format, listed in docs/operations.rst."""
        return PlainTextResponse(observed.metrics.render(), media_type=TEXT_FORMAT)


@contextmanager
def health_port(config: Config, observed: Observed) -> Iterator[None]:
    """Serve only these two routes on a loopback port, if the settings have one.

    Raises:
        OutsideError: the port is in use, or the server did not come up.
    """
    if config.metrics.port is None:
        yield
        return
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    add_refusals(app)
    add_health_routes(app, observed)
    with _bound(config.metrics.host, config.metrics.port) as listener:
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=1,
            )
        )
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="health", daemon=True
        )
        thread.start()
        _await_start(server, thread)
        host, port = listener.getsockname()[:2]
        _log.info("health and metrics are served", host=host, port=port)
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(_START_TIMEOUT_S)


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(16)
        except OSError as error:
            raise OutsideError(
                f"metrics.port: cannot listen on {host}:{port}: {error.strerror or error}",
                remedy="set metrics.port in config.yaml to a free port, or stop the other process",
            ) from error
        yield listener


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline_s:
            raise OutsideError("metrics.port: the server did not start", remedy="see the log")
        time.sleep(_POLL_S)
