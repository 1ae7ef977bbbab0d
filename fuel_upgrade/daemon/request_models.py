"""The JSON bodies that the daemon's API accepts, one model a shape."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from fuel_upgrade.config import Recovery
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan

_SHOWN_CHARS = 100
_TARBALL = "The absolute path of a tarball on the master."
_VERIFY_BASE = "Whether to hash every inherited package."


class TarballRequest(BaseModel):
    """A tarball."""

    tarball: str = Field(min_length=1, description=_TARBALL)
    verify_base: bool = Field(default=False, description=_VERIFY_BASE)


class TarballsRequest(BaseModel):
    """A tarball, a folder of tarballs, or a list of either. One of the first two keys is needed."""

    tarball: str | None = Field(
        default=None,
        min_length=1,
        description="The absolute path of a tarball, or of a folder of tarballs, on the master.",
    )
    tarballs: list[str] = Field(
        default_factory=list, description="Several such paths; they can be given in any order."
    )
    verify_base: bool = Field(default=False, description=_VERIFY_BASE)
    full_view: bool = Field(default=False, description="Whether to build full views.")

    def paths(self) -> tuple[Path, ...]:
        """Return the paths.

        Raises:
            ConfigError: there is none, or one is not absolute.
        """
        first = [self.tarball] if self.tarball else []
        paths = tuple(absolute(text) for text in (*first, *self.tarballs))
        if not paths:
            raise ConfigError(
                "malformed request: expected body.tarball or body.tarballs",
                remedy="see docs/api.rst for its form",
                code="bad-request",
            )
        return paths


class InstallRequest(TarballsRequest):
    """The tarballs to install, or a plan to follow."""

    plan: dict[str, Any] | None = Field(
        default=None,
        description="The answer of ``POST /v1/plans`` for one tarball. The install is refused, "
        "with each difference in ``failures``, if the master has changed since then. ``tarball`` "
        "can be omitted, and so can the options of the plan.",
    )
    wait_s: float = Field(
        default=0,
        ge=0,
        allow_inf_nan=False,
        description="The seconds to wait for another install, of this daemon or of another "
        "process. The job then begins with events ``waiting``.",
    )
    wait_for_tasks_s: float = Field(
        default=0,
        ge=0,
        allow_inf_nan=False,
        description="The seconds to wait for tasks of Nailgun if nothing else prevents the "
        "install: before it begins, and again before the first change to anything live. There "
        "are events ``waiting`` meanwhile.",
    )
    fail_if_installed: bool = Field(
        default=False,
        description="Whether the job fails, with ``already-installed``, if an earlier install of "
        "the same tarball is intact.",
    )

    def expected(self) -> SavedPlan | None:
        """Return the plan to follow.

        Raises:
            ConfigError: the body has something else in its place.
        """
        return None if self.plan is None else SavedPlan.parse(self.plan, source="body.plan")


class RollbackRequest(BaseModel):
    """The install, gc or squash to undo."""

    install: str | None = Field(
        default=None,
        description="Its id, or the beginning of it. Only the last one can be undone: this "
        "guards against undoing another.",
    )


class RecoverRequest(BaseModel):
    """The treatment of installs that a crash cut off."""

    policy: Recovery | None = Field(
        default=None, description="If it is omitted the setting ``recovery.policy`` applies."
    )


class RepairRequest(BaseModel):
    """The install to settle."""

    install: str | None = Field(
        default=None, description="Its id; if it is omitted, the last one that needs it."
    )
    accept: bool = Field(
        default=False,
        description="Whether to accept the master as it is: only the state of the install changes.",
    )


class GcPlanRequest(BaseModel):
    """The releases to retire."""

    releases: list[str] = Field(
        default_factory=list,
        description="Their versions; if there are none, all releases that nothing needs.",
    )


class GcRequest(BaseModel):
    """A reviewed plan."""

    plan: dict[str, Any] = Field(
        description="The answer of ``POST /v1/gc-plans``. The job fails if the master has changed "
        "since then."
    )


class SquashRequest(BaseModel):
    """The release to squash."""

    release: str = Field(min_length=1, description="Its version.")


def absolute(text: str) -> Path:
    """Return an absolute path.

    Raises:
        ConfigError: it is relative, too long, or has a NUL.
    """
    path = Path(text)
    if not path.is_absolute():
        raise ConfigError(f"{text}: expected an absolute path", remedy="name the whole path")
    try:
        with suppress(FileNotFoundError, NotADirectoryError):  # the reader reports these
            path.lstat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(
            f"{text[:_SHOWN_CHARS]!r} cannot be looked at: {reason}",
            remedy="name the path of a tarball, or of a folder of tarballs",
        ) from error
    return path
