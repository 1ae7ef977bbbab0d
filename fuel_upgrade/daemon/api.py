"""The daemon's HTTP API: version 1, JSON, over a unix socket."""

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from fuel_upgrade import __version__
from fuel_upgrade.config import Config, Recovery
from fuel_upgrade.daemon import idempotency, response_models
from fuel_upgrade.daemon.error_responses import add_refusals, describe, described, streamed
from fuel_upgrade.daemon.gc_api import Changes, add_change_routes
from fuel_upgrade.daemon.health import Observed, add_health_routes
from fuel_upgrade.daemon.idempotency import Key, Requests, Starter
from fuel_upgrade.daemon.jobs import Jobs, last_event
from fuel_upgrade.daemon.live_settings import Reloaded
from fuel_upgrade.daemon.metrics import Metrics
from fuel_upgrade.daemon.releases_api import add_release_routes
from fuel_upgrade.daemon.reload import add_reload_route
from fuel_upgrade.errors import ConfigError, NotFoundError, PreflightError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.system.files import Lock
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.event_json import StreamedEvent, to_json
from fuel_upgrade.upgrade.events import Watch
from fuel_upgrade.upgrade.install_all import install_all, plan_all
from fuel_upgrade.upgrade.install_options import InstallOptions
from fuel_upgrade.upgrade.plan.master import read_fuel_version
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints
from fuel_upgrade.upgrade.transaction.recovery import inconsistent
from fuel_upgrade.upgrade.transaction.retention import kept_bytes

Connect = Callable[[], AbstractContextManager[ControlPlane]]
"""Opens a control plane for one thread."""

_ABOUT = """Installs upgrade tarballs, for clients of one unix socket. docs/api.rst says what
everything means. A path that is not listed answers 404, a method that is not listed 405, both in
the form of an error; an answer may have more keys than are listed."""


_EVENTS = "application/x-ndjson"
_SHOWN_CHARS = 100


class TarballRequest(BaseModel):
    """Which tarball: an absolute path on the master; ``verify_base`` hashes what it builds on."""

    tarball: str = Field(min_length=1)
    verify_base: bool = False


class TarballsRequest(BaseModel):
    """Which tarball, folder of tarballs, or list of either: absolute paths on the master.

    ``full_view`` builds full views too.
    """

    tarball: str | None = Field(default=None, min_length=1)
    tarballs: list[str] = Field(default_factory=list)
    verify_base: bool = False
    full_view: bool = False

    def places(self) -> tuple[Path, ...]:
        """Return the paths.

        Raises:
            ConfigError: there is none, or one is not absolute.
        """
        named = [self.tarball] if self.tarball else []
        found = tuple(_absolute(text) for text in (*named, *self.tarballs))
        if not found:
            raise ConfigError(
                "malformed request: expected body.tarball or body.tarballs",
                remedy="see docs/api.rst for its form",
                code="bad-request",
            )
        return found


class RecoverRequest(BaseModel):
    """What is to become of an install that was cut off; nothing for what the settings say."""

    policy: Recovery | None = None


class RepairRequest(BaseModel):
    """Which install to settle, nothing for the last that needs it; ``accept`` what is there."""

    install: str | None = None
    accept: bool = False


class InstallRequest(TarballsRequest):
    """What to install; ``plan`` is a plan to keep to, which also names the tarball.

    Another install is waited for up to ``wait_s`` seconds, Nailgun up to ``wait_for_tasks_s``.
    What is installed already is no error, but with ``fail_if_installed``.
    """

    plan: dict[str, Any] | None = None
    wait_s: float = Field(default=0, ge=0, allow_inf_nan=False)
    wait_for_tasks_s: float = Field(default=0, ge=0, allow_inf_nan=False)
    fail_if_installed: bool = False

    def expected(self) -> SavedPlan | None:
        """Return the plan to keep to.

        Raises:
            ConfigError: it is no plan.
        """
        return None if self.plan is None else SavedPlan.parse(self.plan, source="body.plan")


class RollbackRequest(BaseModel):
    """Which install to undo: its id, or nothing for the last one."""

    install: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """What the API serves from."""

    read_config: Callable[[], Config]
    connect: Connect
    control_plane: str
    jobs: Jobs
    fail_points: FailPoints
    metrics: Metrics
    reload: Callable[[], Reloaded]

    @property
    def config(self) -> Config:
        """The settings for what begins now."""
        return self.read_config()

    @property
    def observed(self) -> Observed:
        """What tells of the daemon's health."""
        return Observed(self.read_config, self.control_plane, self.metrics)

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Give an engine with a control plane of its own, for one thread."""
        with self.connect() as control:
            yield Engine(self.config, control, fail_points=self.fail_points)

    def status(self) -> dict[str, Any]:
        """Describe the daemon and its master."""
        with self.engine() as engine:
            undoable = engine.undoable()
            last = engine.journal.installs()[-1:]
            # What a job works on is not unfinished, whether it ends or begins amid this.
            was_at_work = self.jobs.running is not None or self._other_holder() is not None
            unfinished = engine.unfinished()
            job, holder = self.jobs.status(), self._other_holder()
            is_at_work = was_at_work or job is not None or holder is not None
            unsettled = (*(() if is_at_work else unfinished), *inconsistent(engine.journal))
            kept = undoable and kept_bytes(engine.journal, undoable)
        try:
            fuel_version = read_fuel_version(self.config)
        except PreflightError as error:
            fuel_version = f"unknown: {error.what}"
        return {
            "version": __version__,
            "fuel_version": fuel_version,
            "control_plane": self.control_plane,
            "running": job["id"] if job else None,
            "job": job,
            "locked_by": holder,
            "last_install": last[0].to_json() if last else None,
            "undoable": undoable.id if undoable else None,
            "backups_bytes": kept or 0,
            "unsettled": [record.to_json() for record in unsettled],
        }

    def is_in_journal(self, install: str) -> bool:
        """Return whether the journal has an install of this id."""
        with self.engine() as engine:
            return any(record.id == install for record in engine.journal.installs())

    def _other_holder(self) -> str | None:
        """Say which other process installs or undoes something; None where there is none."""
        holder = Lock(self.config.paths.lock).holder()
        return holder.described if holder and holder.pid != os.getpid() else None


def create_app(service: Service) -> FastAPI:
    """Build the application; docs/api.rst describes it to users."""
    app = FastAPI(
        title="fuel-upgraded",
        version="1",
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )

    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    add_refusals(app)

    @app.get("/v1/status", **described(response_models.StatusForm))
    def status() -> dict[str, Any]:
        return service.status()

    @app.get("/v1/releases", **described(response_models.ReleasesForm))
    def releases() -> list[dict[str, Any]]:
        with service.connect() as control:
            return [release.to_json() for release in control.releases()]

    requests = Requests(service.config.paths.state / idempotency.FILE)
    starter = Starter(service.jobs, requests, service.is_in_journal)
    _add_plan_routes(app, service)
    _add_install_routes(app, service, starter)
    _add_job_routes(app, service)
    _add_settle_routes(app, service, starter)
    changes = Changes(service.read_config, service.connect, starter, service.fail_points)
    add_change_routes(app, changes)
    add_release_routes(app, changes)
    add_reload_route(app, service.reload)
    add_health_routes(app, service.observed)
    return app


def _add_plan_routes(app: FastAPI, service: Service) -> None:
    @app.post("/v1/plans", **described(response_models.PlansForm, 422, takes_body=True))
    def plan(request: TarballsRequest) -> dict[str, Any]:
        places = request.places()
        options = InstallOptions(verify_base=request.verify_base, full_view=request.full_view)
        with service.engine() as engine:
            if _is_one_file(places):
                return engine.plan(places[0], options)
            return plan_all(engine, places, options)

    @app.post(
        "/v1/repair-requests", **described(response_models.RepairRequestsForm, 422, takes_body=True)
    )
    def repair(request: TarballRequest) -> dict[str, Any]:
        path = _absolute(request.tarball)
        with service.engine() as engine:
            found = engine.repair_request(path, verify_base=request.verify_base)
        return {"request": found.to_json() if found else None}


def _add_install_routes(app: FastAPI, service: Service, starter: Starter) -> None:
    starts = described(response_models.JobForm, status=202, takes_body=True)

    @app.post("/v1/installs", **starts)
    def install(request: InstallRequest, key: Key = None) -> dict[str, str]:
        install, expected = new_id(), request.expected()
        is_named = bool(request.tarball or request.tarballs)
        places = (
            (_absolute(str(expected.tarball)),) if expected and not is_named else request.places()
        )
        is_one = _is_one_file(places)
        if expected and not is_one:
            raise ConfigError("a plan is of one tarball", remedy="name that tarball, or none")
        deadline_s = time.monotonic() + request.wait_s

        def work(watch: Watch) -> dict[str, Any]:
            options = InstallOptions(
                verify_base=request.verify_base,
                full_view=request.full_view,
                expected=expected,
                wait_s=max(math.ceil(deadline_s - time.monotonic()), 0),
                wait_for_tasks_s=request.wait_for_tasks_s,
                fail_if_installed=request.fail_if_installed,
            )
            with service.engine() as engine:
                if not is_one:
                    return install_all(engine, places, options, watch=watch)
                record = engine.install(places[0], options, install=install, watch=watch)
                return {**record.to_json(), "changed": record.id == install}

        job = install if is_one else f"all-{install}"
        wait_s = request.wait_s
        return starter.start("install", job, work, key=key, body=request, wait_s=wait_s)

    @app.post("/v1/rollbacks", **starts)
    def rollback(request: RollbackRequest, key: Key = None) -> dict[str, str]:
        def work(watch: Watch) -> dict[str, Any]:
            with service.engine() as engine:
                return engine.rollback(request.install, watch=watch).to_json()

        return starter.start("rollback", f"undo-{new_id()}", work, key=key, body=request)

    @app.get("/v1/installs", **described(response_models.InstallsForm))
    def installs() -> list[dict[str, Any]]:
        with service.engine() as engine:
            return [record.to_json() for record in engine.journal.installs()]

    @app.get("/v1/installs/{install}", **described(response_models.WholeInstallForm, 404))
    def show(install: str) -> dict[str, Any]:
        with service.engine() as engine:
            record = engine.record(install)
            steps = [step.to_json() for step in engine.journal.steps(record.id)]
            kept = kept_bytes(engine.journal, record)
            hooks = [run.to_json() for run in engine.journal.hook_runs(record.id)]
            more = {"steps": steps, "hooks": hooks, "backups_bytes": kept}
            return {**record.to_json(), **more}


def _add_job_routes(app: FastAPI, service: Service) -> None:
    @app.get("/v1/jobs/{job}/events", **streamed(_EVENTS, 404))
    def events(job: str) -> StreamingResponse:
        try:
            shown: Iterable[StreamedEvent] = service.jobs.get(job).follow()
        except NotFoundError:
            with service.engine() as engine:
                record = next((r for r in engine.journal.installs() if r.id == job), None)
            if record is None or record.ended_s is None:
                raise
            shown = (last_event(record),)
        lines = (json.dumps(to_json(event)) + "\n" for event in shown)
        return StreamingResponse(lines, media_type=_EVENTS)

    @app.post("/v1/jobs/{job}/cancel", **described(response_models.JobForm, 404, status=202))
    def cancel(job: str) -> dict[str, str]:
        service.jobs.cancel(job)
        return {"job": job}


def _add_settle_routes(app: FastAPI, service: Service, starter: Starter) -> None:
    starts = described(response_models.JobForm, status=202, takes_body=True)

    @app.post("/v1/recoveries", **starts)
    def recover(request: RecoverRequest, key: Key = None) -> dict[str, str]:
        def work(watch: Watch) -> dict[str, Any]:
            with service.engine() as engine:
                found = engine.recover(request.policy, watch=watch)
            return {"installs": [record.to_json() for record in found]}

        return starter.start("recover", f"recover-{new_id()}", work, key=key, body=request)

    @app.post("/v1/repairs", **starts)
    def repair(request: RepairRequest, key: Key = None) -> dict[str, str]:
        def work(watch: Watch) -> dict[str, Any]:
            with service.engine() as engine:
                return engine.repair(request.install, accept=request.accept, watch=watch).to_json()

        return starter.start("repair", f"repair-{new_id()}", work, key=key, body=request)


def _is_one_file(places: tuple[Path, ...]) -> bool:
    return len(places) == 1 and not places[0].is_dir()


def _absolute(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise ConfigError(f"{text}: expected an absolute path", remedy="name the whole path")
    try:
        with suppress(FileNotFoundError, NotADirectoryError):  # which whoever reads it will tell
            path.lstat()
    except (OSError, ValueError) as error:  # too long, or with a NUL
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(
            f"{text[:_SHOWN_CHARS]!r} cannot be looked at: {reason}",
            remedy="name the path of a tarball, or of a folder of tarballs",
        ) from error
    return path
