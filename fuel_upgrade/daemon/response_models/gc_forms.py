"""The shapes of the plans of changes without a tarball: gc and squash."""

from typing import Literal, Self

from pydantic import Field, TypeAdapter, ValidationError

from fuel_upgrade.daemon.response_models.form import Form, PathText
from fuel_upgrade.daemon.response_models.plan_forms import StepForm, numbered
from fuel_upgrade.daemon.response_models.release_forms import NamedForm
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.upgrade.change import Change
from fuel_upgrade.upgrade.releases.gc_plan import GcPlan


class VerdictForm(NamedForm):
    """A release that is retired or kept."""

    why: str = Field(description="The reason.")
    repos: list[str] = Field(description="The locations of its repos.")
    undo_lacks: list[str] = Field(description="The fields that an undo cannot restore.")


class FolderForm(Form):
    """A folder that is removed."""

    path: PathText = Field(description="Its path on the master.")
    bytes: int = Field(description="The space that its removal frees.")
    files: int = Field(description="The number of its files.")
    identity: list[int] = Field(description="Numbers that change when it is replaced.")


class GcPlanForm(Form):
    """A plan to retire releases. Nothing was changed."""

    format: Literal[1] = Field(description="The number of this form.")
    fuel_version: str = Field(description="The Fuel version that the master runs.")
    retire: list[VerdictForm] = Field(description="The releases to retire.")
    folders: list[FolderForm] = Field(description="Their folders, which are removed.")
    venvs: dict[str, list[str]] = Field(
        {}, description="The releases with venvs, and the venvs of each that no other one keeps."
    )
    freed_bytes: int = Field(description="The space that is free once the backups are deleted.")
    keep: list[VerdictForm] = Field(description="The other releases.")

    @classmethod
    def parse(cls, data: object) -> GcPlan:
        """Read a reviewed plan.

        Raises:
            ConfigError: it is none.
        """
        try:
            form = cls.model_validate(data, from_attributes=False)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the body"
            raise ConfigError(
                f"this is no plan of fuel-upgrade gc: {place}: {first['msg']}",
                remedy="make one with fuel-upgrade gc --plan FILE",
            ) from error
        return TypeAdapter(GcPlan).validate_python(form.model_dump())


class ChangePlanForm(Form):
    """The plan of a squash. All checks have passed; nothing was changed."""

    kind: Literal["gc", "squash"] = Field(description="The kind of change.")
    what: str = Field(description="The change in words, as the history shows it.")
    steps: list[StepForm] = Field(description="The steps, in their order.")

    @classmethod
    def of_change(cls, change: Change) -> Self:
        """Build the form of a planned change."""
        return cls.model_validate(
            {"kind": change.kind, "what": change.what, "steps": numbered(change.steps)}
        )
