"""The daemon's HTTP API: version 1, JSON, over a unix socket."""

import math
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from fuel_upgrade import __version__
from fuel_upgrade.daemon.api_context import ApiContext
from fuel_upgrade.daemon.bounded_route import BoundedRoute
from fuel_upgrade.daemon.error_responses import (
    PrintableResponse,
    add_refusals,
    describe,
    described,
    streamed,
)
from fuel_upgrade.daemon.gc_api import add_change_routes
from fuel_upgrade.daemon.health import add_health_routes
from fuel_upgrade.daemon.idempotency import Key
from fuel_upgrade.daemon.jobs import last_event
from fuel_upgrade.daemon.releases_api import add_release_routes
from fuel_upgrade.daemon.reload import add_reload_route
from fuel_upgrade.daemon.request_models import (
    InstallRequest,
    RecoverRequest,
    RepairRequest,
    RollbackRequest,
    TarballRequest,
    TarballsRequest,
    absolute,
)
from fuel_upgrade.daemon.response_models.install_forms import (
    InstallForm,
    InstallResultForm,
    InstallsForm,
    RecoveryResultForm,
    WholeInstallForm,
)
from fuel_upgrade.daemon.response_models.job_forms import JobForm, JobStatusForm, StatusForm
from fuel_upgrade.daemon.response_models.plan_forms import (
    AllInstalledForm,
    OrderForm,
    PlansForm,
    plan_form,
)
from fuel_upgrade.daemon.response_models.repair_forms import (
    RepairRequestForm,
    RepairRequestsForm,
)
from fuel_upgrade.errors import ConfigError, NotFoundError, PreflightError
from fuel_upgrade.outside_text import printable_json
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.event_json import StreamedEvent, to_json
from fuel_upgrade.upgrade.events import Watch
from fuel_upgrade.upgrade.install_all import install_all, plan_all
from fuel_upgrade.upgrade.install_options import InstallOptions
from fuel_upgrade.upgrade.plan.master import read_fuel_version
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan
from fuel_upgrade.upgrade.transaction import recovery, retention

_ABOUT = """Installs upgrade tarballs, for clients of one unix socket; see docs/api.rst.
A path that is not listed answers 404, a method that is not listed 405, both with an error. An
answer may have more keys than are listed."""


_EVENTS = "application/x-ndjson"
_STARTS = described(status=202, takes_body=True)


def create_app(context: ApiContext) -> FastAPI:
    """Build the application. The docstrings of the routes are part of docs/api.rst."""
    app = FastAPI(
        title="fuel-upgraded",
        version="1",
        description=_ABOUT,
        default_response_class=PrintableResponse,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.router.route_class = BoundedRoute
    app.openapi = cache(lambda: describe(app))  # type: ignore[method-assign]
    add_refusals(app)

    @app.get("/v1/status", **described())
    def status() -> StatusForm:
        """Show the daemon, its master and the running job."""
        return _status(context)

    _add_plan_routes(app, context)
    _add_install_routes(app, context)
    _add_history_routes(app, context)
    _add_job_routes(app, context)
    _add_settle_routes(app, context)
    add_change_routes(app, context)
    add_release_routes(app, context)
    add_reload_route(app, context.reload)
    add_health_routes(app, context.observed)
    return app


def _status(context: ApiContext) -> StatusForm:
    with context.engine() as (engine, _):
        undoable = retention.undoable(engine.journal)
        last = engine.journal.installs()[-1:]
        # An install that a job works on is not unfinished, even if that begins or ends meanwhile.
        was_at_work = context.jobs.running is not None or context.other_holder() is not None
        unfinished = recovery.unfinished(engine.journal)
        job, holder = context.jobs.status(), context.other_holder()
        is_at_work = was_at_work or job is not None or holder is not None
        unsettled = (*(() if is_at_work else unfinished), *recovery.inconsistent(engine.journal))
        kept = undoable and retention.kept_bytes(engine.journal, undoable)
    return StatusForm(
        version=__version__,
        fuel_version=_fuel_version(context),
        control_plane=context.control_plane,
        running=job.id if job else None,
        job=JobStatusForm.of_job(job) if job else None,
        locked_by=holder,
        last_install=InstallForm.model_validate(last[0]) if last else None,
        undoable=undoable.id if undoable else None,
        backups_bytes=kept or 0,
        discarding=[str(folder) for folder in context.discarded()],
        unsettled=[InstallForm.model_validate(record) for record in unsettled],
    )


def _fuel_version(context: ApiContext) -> str:
    try:
        return read_fuel_version(context.config)
    except PreflightError as error:
        return f"unknown: {error.what}"


def _add_plan_routes(app: FastAPI, context: ApiContext) -> None:
    @app.post("/v1/plans", **described(422, takes_body=True))
    def plan(request: TarballsRequest) -> PlansForm:
        """Plan an install and run all checks. Changes nothing.

        For a folder or several tarballs the answer is their order and the plan of the first.
        """
        paths = request.paths()
        options = InstallOptions(verify_base=request.verify_base, full_view=request.full_view)
        with context.engine() as (engine, _):
            if _is_one_file(paths):
                return PlansForm(plan_form(engine.plan(paths[0], options)))
            return PlansForm(OrderForm.of_order(plan_all(engine, paths, options)))

    @app.post("/v1/repair-requests", **described(422, takes_body=True))
    def request_repair(request: TarballRequest) -> RepairRequestsForm:
        """List the packages that a tarball inherits and this master lacks. Changes nothing."""
        path = absolute(request.tarball)
        with context.engine() as (engine, _):
            lacking = engine.repair_request(path, verify_base=request.verify_base)
        form = RepairRequestForm.model_validate(lacking.to_json()) if lacking else None
        return RepairRequestsForm(request=form)


def _add_install_routes(app: FastAPI, context: ApiContext) -> None:
    @app.post("/v1/installs", **_STARTS)
    def install(request: InstallRequest, key: Key = None) -> JobForm:
        """Install tarballs.

        The job of one tarball has the id of the install. Only a malformed request (400), and one
        while a job is running (409), are refused here; the last event reports everything else.

        If an earlier install of the same tarball is intact, nothing is changed, not even the
        journal: the job succeeds with the record of that install. It is intact if its releases
        are registered with its repos, all its files exist, and those of repos have their sizes,
        except for paths that a later gc, squash or install replaced. If it is not intact, the job
        fails (``installed-not-whole``), and so does an install of another tarball of the Fuel
        version that the master runs.

        For a folder or several tarballs the job has an id of its own, and its result is
        AllInstalledForm_; otherwise it is InstallResultForm_.
        """
        install = new_id()
        expected = request.expected()
        is_named = bool(request.tarball or request.tarballs)
        paths = (absolute(str(expected.tarball)),) if expected and not is_named else request.paths()
        is_one = _is_one_file(paths)
        if expected and not is_one:
            raise ConfigError("a plan is of one tarball", remedy="name that tarball, or none")
        deadline_s = time.monotonic() + request.wait_s

        def work(watch: Watch) -> dict[str, Any]:
            options = _install_options(request, expected, deadline_s)
            with context.engine() as (engine, _):
                if not is_one:
                    done = install_all(engine, paths, options, watch=watch)
                    return AllInstalledForm.of_installed(done).to_json()
                record = engine.install(paths[0], options, install=install, watch=watch)
            return InstallResultForm.of_record(record, changed=record.id == install).to_json()

        job = install if is_one else f"all-{install}"
        wait_s = request.wait_s
        return context.starter.start("install", job, work, key=key, body=request, wait_s=wait_s)

    @app.post("/v1/rollbacks", **_STARTS)
    def rollback(request: RollbackRequest, key: Key = None) -> JobForm:
        """Undo the last install, gc or squash. The result is InstallForm_."""

        def work(watch: Watch) -> dict[str, Any]:
            with context.engine() as (engine, _):
                record = engine.rollback(request.install, watch=watch)
            return InstallForm.model_validate(record).to_json()

        return context.starter.start("rollback", f"undo-{new_id()}", work, key=key, body=request)


def _add_history_routes(app: FastAPI, context: ApiContext) -> None:
    @app.get("/v1/installs", **described())
    def installs() -> InstallsForm:
        """List all installs and other changes of the master, oldest first."""
        with context.engine() as (engine, _):
            return InstallsForm([InstallForm.model_validate(r) for r in engine.journal.installs()])

    @app.get("/v1/installs/{install}", **described(404))
    def show(install: str) -> WholeInstallForm:
        """Show one install by its id, or by the beginning of it."""
        with context.engine() as (engine, _):
            return _whole_install(engine, install)


def _install_options(
    request: InstallRequest, expected: SavedPlan | None, deadline_s: float
) -> InstallOptions:
    """Return the options of an install that starts now; the wait ends at ``deadline_s``."""
    return InstallOptions(
        verify_base=request.verify_base,
        full_view=request.full_view,
        expected=expected,
        wait_s=max(math.ceil(deadline_s - time.monotonic()), 0),
        wait_for_tasks_s=request.wait_for_tasks_s,
        fail_if_installed=request.fail_if_installed,
    )


def _whole_install(engine: Engine, install: str) -> WholeInstallForm:
    record = engine.record(install)
    return WholeInstallForm.of_record(
        record,
        steps=engine.journal.steps(record.id),
        hooks=engine.journal.hook_runs(record.id),
        backups_bytes=retention.kept_bytes(engine.journal, record),
    )


def _add_job_routes(app: FastAPI, context: ApiContext) -> None:
    @app.get("/v1/jobs/{job}/events", **streamed(_EVENTS, 404))
    def events(job: str) -> StreamingResponse:
        """Follow a job: one event a line, from the first on, until the job ends.

        The daemon remembers its last eight jobs until it stops.
        """
        try:
            events: Iterable[StreamedEvent] = context.jobs.get(job).follow()
        except NotFoundError:
            with context.engine() as (engine, _):
                record = next((r for r in engine.journal.installs() if r.id == job), None)
            if record is None or record.ended_s is None:
                raise
            events = (last_event(record),)
        lines = (printable_json(to_json(event)) + "\n" for event in events)
        return StreamingResponse(lines, media_type=_EVENTS)

    @app.post("/v1/jobs/{job}/cancel", **described(404, 413, status=202))
    def cancel(job: str) -> JobForm:
        """Cancel a job: it stops at its next step and undoes its changes.

        409 if it has ended, or is already being undone; 404 if the daemon does not remember it.
        """
        context.jobs.cancel(job)
        return JobForm(job=job)


def _add_settle_routes(app: FastAPI, context: ApiContext) -> None:
    @app.post("/v1/recoveries", **_STARTS)
    def recover(request: RecoverRequest, key: Key = None) -> JobForm:
        """Settle the installs that a crash left unfinished. The result is RecoveryResultForm_."""

        def work(watch: Watch) -> dict[str, Any]:
            with context.engine() as (engine, _):
                records = engine.recover(request.policy, watch=watch)
            forms = [InstallForm.model_validate(record) for record in records]
            return RecoveryResultForm(installs=forms).to_json()

        return context.starter.start("recover", f"recover-{new_id()}", work, key=key, body=request)

    @app.post("/v1/repairs", **_STARTS)
    def repair(request: RepairRequest, key: Key = None) -> JobForm:
        """Undo the rest of an install that is unfinished or ``inconsistent``, or accept it.

        The result is InstallForm_.
        """

        def work(watch: Watch) -> dict[str, Any]:
            with context.engine() as (engine, _):
                record = engine.repair(request.install, accept=request.accept, watch=watch)
                return InstallForm.model_validate(record).to_json()

        return context.starter.start("repair", f"repair-{new_id()}", work, key=key, body=request)


def _is_one_file(paths: tuple[Path, ...]) -> bool:
    return len(paths) == 1 and not paths[0].is_dir()
