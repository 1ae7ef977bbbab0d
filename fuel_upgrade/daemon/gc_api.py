"""The part of the API for changes without a tarball: retiring releases, and squashing one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from fuel_upgrade.config import Config
from fuel_upgrade.daemon import response_models
from fuel_upgrade.daemon.error_responses import described
from fuel_upgrade.daemon.idempotency import Key, Starter
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.upgrade.change import Change
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.events import Watch
from fuel_upgrade.upgrade.releases.gc import Gc
from fuel_upgrade.upgrade.releases.gc_plan import GcPlan
from fuel_upgrade.upgrade.releases.squash_release import plan_squash
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints


class GcPlanRequest(BaseModel):
    """Which releases to retire, by version; none for all that are free."""

    releases: list[str] = Field(default_factory=list)


class GcRequest(BaseModel):
    """A reviewed plan, as the answer to a plan request has it."""

    plan: dict[str, Any]


class SquashRequest(BaseModel):
    """Which release to squash, by version."""

    release: str = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Changes:
    """What these routes serve from."""

    read_config: Callable[[], Config]
    connect: Callable[[], AbstractContextManager[ControlPlane]]
    starter: Starter
    fail_points: FailPoints

    @property
    def config(self) -> Config:
        """The settings for what begins now."""
        return self.read_config()

    @contextmanager
    def engine(self) -> Iterator[tuple[Engine, ControlPlane]]:
        """Give an engine and its control plane, for one thread."""
        with self.connect() as control:
            yield Engine(self.config, control, fail_points=self.fail_points), control

    @contextmanager
    def gc(self) -> Iterator[Gc]:
        """Give what retires releases, for one thread."""
        with self.engine() as (engine, control):
            yield Gc(self.config, control, engine)

    def squash(self, version: str, install: str, watch: Watch) -> dict[str, Any]:
        """Squash a release; return the record."""
        with self.engine() as (engine, control):

            def make() -> Change:
                return plan_squash(self.config, control, version, install=install)

            return engine.change(make, watch=watch).to_json()


def add_change_routes(app: FastAPI, changes: Changes) -> None:
    """Add the routes; docs/api.rst describes them to users."""
    starts = described(response_models.JobForm, status=202, takes_body=True)
    frees = described(response_models.JobForm, 400, status=202)
    plans_squash = described(response_models.ChangePlanForm, 404, 422, takes_body=True)

    @app.post("/v1/gc-plans", **described(response_models.GcPlanForm, 404, 422, takes_body=True))
    def plan_gc(request: GcPlanRequest) -> dict[str, Any]:
        with changes.gc() as gc:
            return gc.plan(request.releases).to_json()

    @app.post("/v1/gcs", **starts)
    def apply_gc(request: GcRequest, key: Key = None) -> dict[str, str]:
        reviewed, install = GcPlan.from_json(request.plan), new_id()

        def work(watch: Watch) -> dict[str, Any]:
            with changes.gc() as gc:
                return gc.apply(reviewed, install=install, watch=watch).to_json()

        return changes.starter.start("gc", install, work, key=key, body=request)

    @app.post("/v1/backup-releases", **frees)
    def release_backups(key: Key = None) -> dict[str, str]:
        def work(watch: Watch) -> dict[str, Any]:
            with changes.engine() as (engine, _):
                return engine.release_backups(watch=watch).to_json()

        return changes.starter.start("release-backups", f"free-{new_id()}", work, key=key)

    @app.post("/v1/squash-plans", **plans_squash)
    def show_squash(request: SquashRequest) -> dict[str, Any]:
        with changes.connect() as control:
            found = plan_squash(changes.config, control, request.release, install=new_id())
        return found.to_json()

    @app.post("/v1/squashes", **starts)
    def squash(request: SquashRequest, key: Key = None) -> dict[str, str]:
        install = new_id()

        def work(watch: Watch) -> dict[str, Any]:
            return changes.squash(request.release, install, watch)

        return changes.starter.start("squash", install, work, key=key, body=request)
