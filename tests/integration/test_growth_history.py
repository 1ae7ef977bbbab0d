"""The work on a master grows with its installs and its releases, and not faster than n log n."""

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from fastapi.routing import APIRoute
from pydantic import BaseModel

from fuel_upgrade.daemon.api import create_app
from fuel_upgrade.daemon.api_context import ApiContext
from fuel_upgrade.daemon.jobs import Jobs
from fuel_upgrade.daemon.live_settings import LiveSettings
from fuel_upgrade.daemon.metrics import Metrics
from fuel_upgrade.daemon.request_models import GcPlanRequest, TarballsRequest
from fuel_upgrade.doctor.journal_checks import check_journal
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.registry.resources import ReleaseFields
from fuel_upgrade.upgrade.records import InstallState
from fuel_upgrade.upgrade.releases.squash_release import plan_squash
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints
from tests.growth import assert_all_n_log_n, lines_of
from tests.master import ScratchMaster, scratch_master
from tests.small_bundles import small_tarball

N = 24


def routes_of(master: ScratchMaster) -> Mapping[str, Callable[..., BaseModel]]:
    """Return the functions of the daemon's routes by their names: the tests call them directly."""
    jobs = Jobs()
    context = ApiContext(
        read_config=lambda: master.config,
        connect=lambda: nullcontext(master.client),
        control_plane="embedded registry",
        jobs=jobs,
        fail_points=FailPoints(""),
        metrics=Metrics(lambda: master.config, jobs),
        reload=LiveSettings(master.config, lambda: master.config).reload,
    )
    routes = [route for route in create_app(context).routes if isinstance(route, APIRoute)]
    return {route.name: route.endpoint for route in routes}


def add_installs(master: ScratchMaster, count: int) -> None:
    """Copy the last install in the journal; half of the copies are undone."""
    journal = master.engine().journal
    last = journal.installs()[-1]
    steps = journal.steps(last.id)
    for number in range(count):
        new = f"{number:08x}"
        own = [
            replace(
                step,
                params=json.loads(json.dumps(step.params).replace(last.id, new)),
                facts=json.loads(json.dumps(step.facts).replace(last.id, new)),
            )
            for step in steps
        ]
        journal.begin(replace(last, id=new), own)
        if number % 2:
            journal.mark(new, InstallState.UNDONE)
        else:
            journal.release(new)


def add_releases(master: ScratchMaster, count: int) -> None:
    """Register releases, each with the one before it as its base."""
    for number in range(count):
        place = f"http://127.0.0.1:8080/2014.1-5.0.{number}/ubuntu/x86_64"
        base = f"http://127.0.0.1:8080/2014.1-5.0.{max(number - 1, 0)}/ubuntu/x86_64"
        version = f"2014.1-5.0.{number}"
        data: dict[str, object] = {
            "repo_metadata": {version: f"{place} precise main", "base": f"{base} precise main"},
            "puppet_modules_source": f"rsync://127.0.0.1:/puppet/{version}/modules/",
            "puppet_manifests_source": f"rsync://127.0.0.1:/puppet/{version}/manifests/",
        }
        fields = ReleaseFields(version, version, "Ubuntu", "available", orchestrator_data=data)
        master.store.add_release(fields)


def counts(master: ScratchMaster, following: Path) -> dict[str, int]:
    """Return the work of the commands on a master that ``following`` upgrades."""
    routes, engine = routes_of(master), master.engine()
    first, release = engine.journal.installs()[0].id, master.client.releases()[0].id
    tarball = TarballsRequest(tarball=str(following))
    asked: dict[str, Callable[[], BaseModel]] = {
        "status": routes["status"],
        "history": routes["installs"],
        "show": lambda: routes["show"](first),
        "releases": routes["releases"],
        "releases show": lambda: routes["show_release"](release),
        "gc": lambda: routes["plan_gc"](GcPlanRequest()),
        "plan": lambda: routes["plan"](tarball),
        "releases delete": lambda: routes["remove_release"](release),
    }
    return {
        **{name: lines_of(partial(_answer, ask)) for name, ask in asked.items()},
        "squash": lines_of(lambda: _refused_squash(master)),
        "doctor": lines_of(lambda: list(check_journal(master.config.paths))),
        "start": lines_of(engine.recover),
        "install": lines_of(lambda: master.install(following)),
        "rollback": lines_of(engine.rollback),
    }


def _refused_squash(master: ScratchMaster) -> None:
    version = master.client.releases()[0].version
    with suppress(PreflightError):
        plan_squash(master.config, master.client, version, install="0")


def _answer(ask: Callable[[], BaseModel]) -> str:
    return ask().model_dump_json()


def test_installs_in_the_history_and_releases(tmp_path: Path) -> None:
    base = small_tarball(tmp_path / "base")
    following = small_tarball(tmp_path / "next", fuel="6.1", upgrades="6.0")

    def count(n: int) -> dict[str, int]:
        with scratch_master(tmp_path / f"master{n}") as master:
            master.install(base)
            add_installs(master, n)
            add_releases(master, n)
            return counts(master, following)

    assert_all_n_log_n(count, N)
