"""The routes for registered releases."""

from typing import Annotated

import structlog
from fastapi import FastAPI, Path, Query

from fuel_upgrade.daemon.api_context import ApiContext
from fuel_upgrade.daemon.error_responses import described
from fuel_upgrade.daemon.response_models.release_forms import (
    DeletedReleaseForm,
    ReleaseForm,
    ReleasesForm,
    WholeReleaseForm,
)
from fuel_upgrade.upgrade.releases.registered_release import delete_release, read_release

_log = structlog.get_logger("fuel_upgrade.releases")
_Id = Annotated[int, Path(ge=1, lt=1 << 31)]  # of an integer column in PostgreSQL
_Force = Annotated[
    bool,
    Query(description="Whether to delete it although it is a base, or its install can be undone."),
]


def add_release_routes(app: FastAPI, context: ApiContext) -> None:
    """Add the routes."""
    place = "/v1/releases/{release_id}"

    @app.get("/v1/releases", **described())
    def releases() -> ReleasesForm:
        """List the registered releases in Nailgun's order, newest first."""
        with context.connect() as control:
            return ReleasesForm(
                [ReleaseForm.model_validate(release) for release in control.releases()]
            )

    @app.get(place, **described(400, 404))
    def show_release(release_id: _Id) -> WholeReleaseForm:
        """Show one release and everything that refers to it."""
        with context.engine() as (engine, control):
            return WholeReleaseForm.of_whole(read_release(control, engine, release_id))

    @app.delete(place, **described(400, 404))
    def remove_release(release_id: _Id, *, force: _Force = False) -> DeletedReleaseForm:
        """Delete a release from Nailgun. Its files stay.

        409, with the reasons in ``failures``, if clusters use it, or, without ``force``, if it is
        a base or the install that registered it can be undone; also while a job is running or
        an install is unsettled.
        """
        with context.engine() as (engine, control):
            done = delete_release(context.config, control, engine, release_id, force=force)
        form = DeletedReleaseForm.model_validate(done)
        _log.warning("release deleted", forced=force, **form.deleted.to_json())
        return form
