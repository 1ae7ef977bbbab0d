"""Checks the fields of a release that Nailgun would refuse, before a request is sent. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from fuel_upgrade.release.nailgun_repos import repos_fault
from fuel_upgrade.release.nailgun_settings import unknown_settings
from fuel_upgrade.release.version_grammar import release_version

STATES = frozenset(
    {"available", "not_available", "downloading", "error", "unavailable", "manageonly"}
)
"""All states of a release: the first four up to Nailgun 6.0, the others since (``consts.py``)."""

MAX_CHARS: Mapping[str, int] = {"name": 100, "version": 30, "operating_system": 50}
"""The required fields, with the most characters that their columns in Nailgun take."""
_KINDS: Mapping[str, type[Any]] = {
    "can_update_from_versions": list,
    "components_metadata": list,
    "deployment_tasks": list,
    "description": str,
    "extensions": list,
    "is_deployable": bool,
    "modes": list,
    "network_roles_metadata": list,
    "node_attributes": dict,
    "orchestrator_data": dict,
    "required_component_types": list,
    "roles": list,
    "tags": list,
}
"""The type of each field that is no map; ``*_metadata`` fields not listed here are maps."""
_MAY_BE_NOTHING = frozenset({"description", "orchestrator_data"})
_WORDS = {dict: "a map", list: "a list", str: "a text", bool: "true or false"}


def check_fields(fields: Mapping[Any, Any]) -> Iterator[str]:
    """Yield a message for each field that Nailgun would refuse or crash on, with its value."""
    for name, most in MAX_CHARS.items():
        value = fields.get(name)
        if not isinstance(value, str) or not value:
            yield f"has no {name!r}, expected a text, found {value!r:.80}"
        elif len(value) > most:
            yield f"{name!r} has {len(value)} characters, Nailgun takes {most}: {value:.40}..."
        elif not value.isprintable():
            yield f"{name!r} has control characters: {value!r}"
    yield from _check_version(fields.get("version"))
    for name, value in fields.items():
        yield from _check_kind(str(name), value)
    yield from _check_state(fields)
    yield from _check_roles(fields)
    yield from _check_orchestrator(fields)
    yield from _check_repo_list(fields)
    yield from unknown_settings(fields)


def _check_version(version: object) -> Iterator[str]:
    try:
        release_version(version or "1")  # an empty one is reported already
    except ValueError as error:
        yield f"'version': {error}"


def _check_kind(name: str, value: object) -> Iterator[str]:
    kind = _KINDS.get(name, dict if name.endswith("_metadata") else object)
    if not isinstance(value, kind) and not (value is None and name in _MAY_BE_NOTHING):
        yield f"{name!r} must be {_WORDS[kind]}, found {value!r:.80}"


def _check_state(fields: Mapping[Any, Any]) -> Iterator[str]:
    state = fields.get("state", "available")
    if not isinstance(state, str) or state not in STATES:
        yield f"'state' must be one of {', '.join(sorted(STATES))}, found {state!r:.80}"


def _check_roles(fields: Mapping[Any, Any]) -> Iterator[str]:
    for name in ("roles", "can_update_from_versions"):
        listed = fields.get(name)
        if isinstance(listed, list) and not all(isinstance(one, str) and one for one in listed):
            yield f"{name!r} must be a list of texts, found {listed!r:.80}"


def _check_orchestrator(fields: Mapping[Any, Any]) -> Iterator[str]:
    data = fields.get("orchestrator_data")
    if not isinstance(data, dict):
        return
    repos = data.get("repo_metadata") or {}
    if not isinstance(repos, dict) or not all(isinstance(v, str) and v for v in repos.values()):
        yield f"'orchestrator_data' must map repo names to addresses, found {repos!r:.80}"
    elif fault := repos_fault(fields):
        yield f"'orchestrator_data' has an address that cannot be read ({fault})"
    for name in ("puppet_manifests_source", "puppet_modules_source"):
        source = data.get(name, "x")
        if not isinstance(source, str) or not source:
            yield f"{name} of 'orchestrator_data' must be an address, found {source!r:.80}"


def _check_repo_list(fields: Mapping[Any, Any]) -> Iterator[str]:
    """Check the list of repos of 6.1 and later, which is inside nested maps."""
    listed = {name: value for name, value in fields.items() if name != "orchestrator_data"}
    if fault := repos_fault(listed):
        yield (
            "repo_setup.repos.value of 'attributes_metadata' must be a list of repos with name and"
            f" uri ({fault})"
        )
