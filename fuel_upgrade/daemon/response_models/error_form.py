"""The shape of an error."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from fuel_upgrade.daemon.response_models.form import Form
from fuel_upgrade.errors import from_json


class ErrorForm(Form):
    """A refused request, or a failed job."""

    format: Literal[1] = Field(description="The number of this form.")
    error: str = Field(
        description="A code, listed in `Errors`_. It stays the same when the text changes."
    )
    what: str = Field(description="The problem: the actual value and the expected value.")
    state: str = Field(
        description="The state of the master, such as ``nothing was changed``; may be empty."
    )
    remedy: str = Field(description="The action to take, in one sentence.")
    exit_code: int = Field(description="The exit code of the command.")
    failures: list[str] = Field(
        description="Each failed check where there are several; otherwise empty."
    )


def _current(recorded: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Bring an error from the journal, maybe of an earlier version, into the current shape."""
    return from_json(recorded).to_json() if recorded else None


RecordedError = Annotated[ErrorForm | None, BeforeValidator(_current)]
