"""The base of all response models, and the types that several of them use."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from fuel_upgrade.system.times import iso_time

_DATE_TIME = Field(json_schema_extra={"format": "date-time"})
IsoTime = Annotated[str, BeforeValidator(iso_time), _DATE_TIME]
"""A time in ISO 8601 with zone, made of seconds since 1970."""
OptionalIsoTime = Annotated[str | None, BeforeValidator(iso_time), _DATE_TIME]


def _path_text(path: object) -> object:
    return str(path) if isinstance(path, Path) else path


PathText = Annotated[str, BeforeValidator(_path_text)]
"""A path as text."""


class Form(BaseModel):
    """A shape of JSON. Each key reads the attribute of its name, or of its alias, of a value."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True, frozen=True)

    def to_json(self) -> dict[str, Any]:
        """Return the object as JSON has it."""
        return self.model_dump(mode="json")
