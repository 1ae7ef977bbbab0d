"""The routes for changes without a tarball: retiring releases, and squashing one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI

from fuel_upgrade.daemon.api_context import ApiContext
from fuel_upgrade.daemon.error_responses import described
from fuel_upgrade.daemon.idempotency import Key
from fuel_upgrade.daemon.request_models import GcPlanRequest, GcRequest, SquashRequest
from fuel_upgrade.daemon.response_models.gc_forms import ChangePlanForm, GcPlanForm
from fuel_upgrade.daemon.response_models.install_forms import InstallForm
from fuel_upgrade.daemon.response_models.job_forms import JobForm
from fuel_upgrade.upgrade.change import Change
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.events import Watch
from fuel_upgrade.upgrade.releases.gc import Gc
from fuel_upgrade.upgrade.releases.squash_release import plan_squash

_STARTS = described(status=202, takes_body=True)
_PLANS = described(404, 422, takes_body=True)


def add_change_routes(app: FastAPI, context: ApiContext) -> None:
    """Add the routes."""

    @app.post("/v1/gc-plans", **_PLANS)
    def plan_gc(request: GcPlanRequest) -> GcPlanForm:
        """Plan to retire releases. Changes nothing.

        409, with the reasons in ``failures``, if a release of the request must be kept.
        """
        with _gc(context) as gc:
            return GcPlanForm.model_validate(gc.plan(request.releases))

    @app.post("/v1/gcs", **_STARTS)
    def apply_gc(request: GcRequest, key: Key = None) -> JobForm:
        """Retire releases by a reviewed plan.

        The id of the job is also the id to undo it by. The result is InstallForm_.
        """
        reviewed, install = GcPlanForm.parse(request.plan), new_id()

        def work(watch: Watch) -> dict[str, Any]:
            with _gc(context) as gc:
                return InstallForm.model_validate(
                    gc.apply(reviewed, install=install, watch=watch)
                ).to_json()

        return context.starter.start("gc", install, work, key=key, body=request)

    @app.post("/v1/backup-releases", **described(400, 413, status=202))
    def release_backups(key: Key = None) -> JobForm:
        """Delete the backups of the last change, which cannot be undone then.

        The body is empty or ``{}``. The result is InstallForm_.
        """

        def work(watch: Watch) -> dict[str, Any]:
            with context.engine() as (engine, _):
                return InstallForm.model_validate(engine.release_backups(watch=watch)).to_json()

        return context.starter.start("release-backups", f"free-{new_id()}", work, key=key)

    @app.post("/v1/squash-plans", **_PLANS)
    def show_squash(request: SquashRequest) -> ChangePlanForm:
        """Plan a squash and run all checks. Changes nothing."""
        with context.connect() as control:
            change = plan_squash(context.config, control, request.release, install=new_id())
        return ChangePlanForm.of_change(change)

    @app.post("/v1/squashes", **_STARTS)
    def squash(request: SquashRequest, key: Key = None) -> JobForm:
        """Squash a release: merge its repos with their bases.

        The id of the job is also the id to undo it by. The job runs the checks. The result is
        InstallForm_.
        """
        install = new_id()

        def work(watch: Watch) -> dict[str, Any]:
            return _squash(context, request.release, install, watch).to_json()

        return context.starter.start("squash", install, work, key=key, body=request)


@contextmanager
def _gc(context: ApiContext) -> Iterator[Gc]:
    with context.engine() as (engine, control):
        yield Gc(context.config, control, engine)


def _squash(context: ApiContext, version: str, install: str, watch: Watch) -> InstallForm:
    with context.engine() as (engine, control):

        def make() -> Change:
            return plan_squash(context.config, control, version, install=install)

        return InstallForm.model_validate(engine.change(make, watch=watch))
