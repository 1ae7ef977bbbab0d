"""What a posted release must be, check by check in the order of Nailgun 6.0."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fuel_upgrade.registry.orchestrator_macros import render, render_repos
from fuel_upgrade.registry.refusal import bad_request
from fuel_upgrade.registry.resources import (
    DETAILS,
    LATER_DETAILS,
    RELEASE_STATES,
    JsonObject,
    ReleaseFields,
)
from fuel_upgrade.release.field_checks import MAX_CHARS
from fuel_upgrade.release.nailgun_repos import repo_list_fault

_MANDATORY = {
    "name": "No release name specified",
    "version": "No release version specified",
    "operating_system": "No release operating system specified",
}
_ALL_DETAILS = {**DETAILS, **LATER_DETAILS}
_PUPPET = ("puppet_manifests_source", "puppet_modules_source")
NAME_MAX_CHARS = MAX_CHARS["name"]
VERSION_MAX_CHARS = MAX_CHARS["version"]
SYSTEM_MAX_CHARS = MAX_CHARS["operating_system"]


@dataclass(frozen=True, slots=True)
class Line:
    """The requirements on a release that differ between the lines of Nailgun versions.

    ``has_map``: there is ``orchestrator_data``, with macros that are filled in when it is
    written; later it is a field like any that is not known. ``states`` begin with the one that a
    release has until it says so.
    """

    mandatory: Mapping[str, str]
    states: tuple[str, ...]
    has_map: bool


#: By the name of the dialect: 6.0, and 6.1 for all from there to 9.x.
LINES: Mapping[str, Line] = {
    "6.0": Line(
        {**_MANDATORY, "orchestrator_data": "No orchestrator_data specified"},
        RELEASE_STATES,
        has_map=True,
    ),
    "6.1": Line(_MANDATORY, ("unavailable", "available", "manageonly"), has_map=False),
}


def require_fields(body: object, line: Line = LINES["6.0"]) -> JsonObject:
    """Return the body of a create that has every mandatory field.

    Raises:
        RefusedError: 400 naming the first that is missing, which is ``name`` for a body that is
            no object at all (contract: ``not an object``).
    """
    data = body if isinstance(body, dict) else {}
    for field, reason in line.mandatory.items():
        if field not in data:
            raise bad_request(reason)
    return data


def require_object(body: object) -> JsonObject:
    """Return ``body`` if it is an object.

    Raises:
        RefusedError: 400 for any other JSON.
    """
    if not isinstance(body, dict):
        raise bad_request("A JSON object is expected")
    return body


def check_structure(body: JsonObject, line: Line = LINES["6.0"]) -> None:
    """Run the checks that create and update share: networks first, then orchestrator data.

    Releases from 7.0 on know no ``nova_network``; its absence is no fault here.

    Raises:
        RefusedError: 400 with the recorded text, or a reason where Nailgun 6.0 crashed.
    """
    for field, kind in _ALL_DETAILS.items():
        if field in body and not isinstance(body[field], kind):
            raise bad_request(f"'{field}' field must be a {kind.__name__}")
    _check_networks(body.get("networks_metadata", {}))
    if not line.has_map:
        _check_repo_list(body)
    elif "orchestrator_data" in body:
        _check_orchestrator(body["orchestrator_data"])


def amend(
    current: ReleaseFields, body: JsonObject, *, master_ip: str, line: Line = LINES["6.0"]
) -> ReleaseFields:
    """Return ``current`` with the fields of ``body``; unknown fields are ignored.

    Orchestrator data is rendered with the version that the release has afterwards. ``body`` has
    passed :func:`check_structure`.

    Raises:
        RefusedError: 400 for a field of a wrong type, an unknown state or an unknown macro.
    """
    amended = replace(
        current,
        name=_text(body, "name", current.name),
        version=_text(body, "version", current.version),
        operating_system=_text(body, "operating_system", current.operating_system),
        state=_text(body, "state", current.state),
        description=_description(body, current.description),
        details={**(current.details or {}), **{k: body[k] for k in _ALL_DETAILS if k in body}},
    )
    for label, text, most in (
        ("version", amended.version, VERSION_MAX_CHARS),
        ("name", amended.name, NAME_MAX_CHARS),
        ("operating system", amended.operating_system, SYSTEM_MAX_CHARS),
    ):
        if len(text) > most:
            raise bad_request(f"Release {label} is longer than {most} characters")
    if amended.state not in line.states:
        raise bad_request(f"Unknown state {amended.state!r}; known are {', '.join(line.states)}")
    orchestrator = body.get("orchestrator_data") if line.has_map else None
    if not isinstance(orchestrator, dict):
        return amended
    macros = {"MASTER_IP": master_ip, "OPENSTACK_VERSION": amended.version}
    return replace(amended, orchestrator_data=_render_orchestrator(orchestrator, macros))


def _check_networks(metadata: object) -> None:
    nova = metadata.get("nova_network", {}) if isinstance(metadata, dict) else metadata
    networks = nova.get("networks", []) if isinstance(nova, dict) else None
    if not isinstance(networks, list):
        raise bad_request("'networks_metadata' field has no list of nova_network networks")
    for network in networks:
        if not isinstance(network, dict) or "name" not in network:
            raise bad_request(f"Invalid network data: {network}")


def _check_orchestrator(data: object) -> None:
    if not isinstance(data, dict):
        raise bad_request("'orchestrator_data' field must be a dict")
    if not {"repo_metadata", *_PUPPET} <= data.keys():
        raise bad_request("'orchestrator_data' doesn't have all required keys")


def _check_repo_list(body: JsonObject) -> None:
    if fault := repo_list_fault(body):
        raise bad_request(
            "'attributes_metadata' field has a repo_setup whose repos are no list of repos with"
            f" name and uri ({fault})"
        )


def _render_orchestrator(data: JsonObject, macros: Mapping[str, str]) -> JsonObject:
    repos = data["repo_metadata"]
    if not isinstance(repos, dict):
        raise bad_request("'repo_metadata' field must be a dict")
    locations = {str(name): _text(repos, name, "") for name in repos}
    return {
        "repo_metadata": render_repos(locations, macros),
        **{path: render(_text(data, path, ""), macros) for path in _PUPPET},
    }


def _text(data: JsonObject, field: str, default: str) -> str:
    value = data.get(field, default)
    if not isinstance(value, str) or not value.strip():
        raise bad_request(f"'{field}' field must be a text that is not empty")
    return value


def _description(body: JsonObject, default: str | None) -> str | None:
    value = body.get("description", default)
    if value is not None and not isinstance(value, str):
        raise bad_request("'description' field must be a text")
    return value
