"""The shape of an error."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from fuel_upgrade.daemon.response_models.form import Form
from fuel_upgrade.errors import from_json


def _escape(text: object) -> object:
    """Escape the halves of surrogate pairs of a client's text, which no answer can carry."""
    return text.encode(errors="backslashreplace").decode() if isinstance(text, str) else text


_Text = Annotated[str, BeforeValidator(_escape)]


class ErrorForm(Form):
    """A refused request, or a failed job."""

    format: Literal[1] = Field(description="The number of this form.")
    error: str = Field(
        description="A code, listed in `Errors`_. It stays the same when the text changes."
    )
    what: _Text = Field(description="The problem: the actual value and the expected value.")
    state: _Text = Field(
        description="The state of the master, such as ``nothing was changed``; may be empty."
    )
    remedy: _Text = Field(description="The action to take, in one sentence.")
    exit_code: int = Field(description="The exit code of the command.")
    failures: list[_Text] = Field(
        description="Each failed check where there are several; otherwise empty."
    )


def _current(recorded: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Bring an error from the journal, maybe of an earlier version, into the current shape."""
    return from_json(recorded).to_json() if recorded else None


RecordedError = Annotated[ErrorForm | None, BeforeValidator(_current)]
