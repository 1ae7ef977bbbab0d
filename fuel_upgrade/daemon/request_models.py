"""The JSON bodies that the daemon's API accepts, one model a shape."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from fuel_upgrade.config import Recovery
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan

_SHOWN_CHARS = 100
_TARBALL = "The absolute path of a tarball on the master."
_VERIFY_BASE = "Whether to hash every inherited package."


_Text = Annotated[str, Field(pattern=r"\S", max_length=4096)]
"""An id or a name: an empty one must not count as none, which may mean the last install or all."""


class _Request(BaseModel):
    """A body. A key that it does not know is refused: it may be a misspelt guard."""

    model_config = ConfigDict(extra="forbid")


class TarballRequest(_Request):
    """A tarball."""

    tarball: _Text = Field(description=_TARBALL)
    verify_base: bool = Field(default=False, description=_VERIFY_BASE)


class TarballsRequest(_Request):
    """A tarball, a folder of tarballs, or a list of either. One of the first two keys is needed."""

    tarball: _Text | None = Field(
        default=None,
        description="The absolute path of a tarball, or of a folder of tarballs, on the master.",
    )
    tarballs: list[_Text] = Field(
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


class RollbackRequest(_Request):
    """The install, gc or squash to undo."""

    install: _Text | None = Field(
        default=None,
        description="Its id, or the beginning of it. Only the last one can be undone: this "
        "guards against undoing another.",
    )


class RecoverRequest(_Request):
    """The treatment of installs that a crash cut off."""

    policy: Recovery | None = Field(
        default=None, description="If it is omitted the setting ``recovery.policy`` applies."
    )


class RepairRequest(_Request):
    """The install to settle."""

    install: _Text | None = Field(
        default=None, description="Its id; if it is omitted, the last one that needs it."
    )
    accept: bool = Field(
        default=False,
        description="Whether to accept the master as it is: only the state of the install changes.",
    )


class GcPlanRequest(_Request):
    """The releases to retire."""

    releases: list[_Text] = Field(
        default_factory=list,
        description="Their versions; if there are none, all releases that nothing needs.",
    )


class GcRequest(_Request):
    """A reviewed plan."""

    plan: dict[str, Any] = Field(
        description="The answer of ``POST /v1/gc-plans``. The job fails if the master has changed "
        "since then."
    )


class SquashRequest(_Request):
    """The release to squash."""

    release: _Text = Field(description="Its version.")


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
