"""The checks of a posted release, in the order of Nailgun."""

from collections.abc import Mapping
from dataclasses import replace

from fuel_upgrade.registry.lines import LINES, Line
from fuel_upgrade.registry.orchestrator_macros import render, render_repos
from fuel_upgrade.registry.refusal import bad_request
from fuel_upgrade.registry.resources import (
    DETAILS,
    LATER_DETAILS,
    JsonObject,
    ReleaseFields,
)
from fuel_upgrade.release.field_checks import MAX_CHARS

_ALL_DETAILS = {**DETAILS, **LATER_DETAILS}
_PUPPET = ("puppet_manifests_source", "puppet_modules_source")
NAME_MAX_CHARS = MAX_CHARS["name"]
VERSION_MAX_CHARS = MAX_CHARS["version"]
SYSTEM_MAX_CHARS = MAX_CHARS["operating_system"]


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
        if body.get(field) is not None and not isinstance(body[field], kind):
            raise bad_request(f"'{field}' field must be a {kind.__name__}")
    _check_networks(body.get("networks_metadata") or {})
    if line.has_map and "orchestrator_data" in body:
        _check_orchestrator(body["orchestrator_data"])


def require_networks(body: object) -> JsonObject:
    """Return ``body`` if it has the networks of both providers.

    Raises:
        RefusedError: 400 naming the first provider that is missing.
    """
    networks = require_object(body)
    for provider in ("neutron", "nova_network"):
        if provider not in networks:
            raise bad_request(f"{provider!r} is a required property")
    _check_networks(networks)
    return networks


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
        state=current.state if body.get("state") is None else _text(body, "state", ""),
        description=_description(body, current.description),
        details=_details(current.details or {}, body),
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


def _render_orchestrator(data: JsonObject, macros: Mapping[str, str]) -> JsonObject:
    repos = data["repo_metadata"]
    if not isinstance(repos, dict):
        raise bad_request("'repo_metadata' field must be a dict")
    locations = {str(name): _filled(repos, name) for name in repos}
    return {
        "repo_metadata": render_repos(locations, macros),
        **{path: render(_filled(data, path), macros) for path in _PUPPET},
    }


def _details(current: JsonObject, body: JsonObject) -> JsonObject:
    """Return the details after a change; null is as if a detail was never posted."""
    changed = {**current, **{name: body[name] for name in _ALL_DETAILS if name in body}}
    return {name: value for name, value in changed.items() if value is not None}


def _text(data: JsonObject, field: str, default: str) -> str:
    value = data.get(field, default)
    if not isinstance(value, str):
        raise bad_request(f"'{field}' field must be a text")
    return value


def _filled(data: JsonObject, field: str) -> str:
    value = _text(data, field, "")
    if not value.strip():
        raise bad_request(f"'{field}' field must be a text that is not empty")
    return value


def _description(body: JsonObject, default: str | None) -> str | None:
    value = body.get("description", default)
    if value is not None and not isinstance(value, str):
        raise bad_request("'description' field must be a text")
    return value
