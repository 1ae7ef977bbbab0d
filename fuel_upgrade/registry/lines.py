"""The lines of Nailgun versions that the registry can answer as."""

from collections.abc import Mapping
from dataclasses import dataclass

_MANDATORY = {
    "name": "No release name specified",
    "version": "No release version specified",
    "operating_system": "No release operating system specified",
}


@dataclass(frozen=True, slots=True)
class Line:
    """The differences between the lines.

    ``has_map``: a release has ``orchestrator_data`` with macros that are replaced when it is
    written; later lines ignore that field. ``states`` begins with the default; clusters can be
    created on releases in the states ``deployable``. ``has_json_errors``: the text of an error is
    inside a JSON object.
    """

    mandatory: Mapping[str, str]
    states: tuple[str, ...]
    deployable: tuple[str, ...]
    has_map: bool
    has_json_errors: bool


_FIRST_STATES = ("not_available", "downloading", "error", "available")
#: By the name of the dialect: 6.0, and 6.1 for all from there to 9.x.
LINES: Mapping[str, Line] = {
    "6.0": Line(
        {**_MANDATORY, "orchestrator_data": "No orchestrator_data specified"},
        states=_FIRST_STATES,
        deployable=_FIRST_STATES,
        has_map=True,
        has_json_errors=False,
    ),
    "6.1": Line(
        _MANDATORY,
        states=("unavailable", "available", "manageonly"),
        deployable=("available",),
        has_map=False,
        has_json_errors=True,
    ),
}
