"""The part of the API for single releases: all that is known of one, and its deletion."""

from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Path

from fuel_upgrade.daemon import response_models
from fuel_upgrade.daemon.error_responses import described
from fuel_upgrade.daemon.gc_api import Changes
from fuel_upgrade.upgrade.releases.registered_release import delete_release, read_release

_log = structlog.get_logger("fuel_upgrade.releases")
_Id = Annotated[int, Path(ge=1, lt=1 << 31)]  # of an integer column in PostgreSQL


def add_release_routes(app: FastAPI, changes: Changes) -> None:
    """Add the routes; docs/api.rst describes them to users."""
    place = "/v1/releases/{release_id}"

    @app.get(place, **described(response_models.WholeReleaseForm, 400, 404))
    def show_release(release_id: _Id) -> dict[str, Any]:
        with changes.engine() as (engine, control):
            return read_release(control, engine, release_id)

    @app.delete(place, **described(response_models.DeletedReleaseForm, 400, 404))
    def remove_release(release_id: _Id, *, force: bool = False) -> dict[str, Any]:
        with changes.engine() as (engine, control):
            done = delete_release(changes.config, control, engine, release_id, force=force)
        _log.warning("release deleted", forced=force, **done["deleted"])
        return done
