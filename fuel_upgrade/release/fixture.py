"""``openstack.yaml``: the releases of an openstack bundle, in Nailgun's fixture format."""

from collections.abc import Mapping
from typing import Any

import yaml

from fuel_upgrade.errors import BundleError
from fuel_upgrade.release.model import Release

_MAX_DEPTH = 16
_REQUIRED = ("name", "version", "operating_system")


def load_yaml(text: str, *, source: str) -> Any:
    """Parse YAML without running anything it asks for.

    Raises:
        BundleError: it is malformed; the message has line and column.
    """
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders; the C one is ten times as fast
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no such date
        detail = " ".join(str(error).split())
        raise BundleError(
            f"{source}: malformed YAML: {detail}", remedy=f"correct {source} and build again"
        ) from error


def parse_fixture(text: str, *, source: str) -> tuple[Release, ...]:
    """Return the releases of an ``openstack.yaml``.

    Its entries without ``pk`` are abstract: they are only there to be named by ``extend``,
    from which an entry inherits by deep merge.

    Raises:
        BundleError: it is malformed, describes no release, or one lacks a required field.
    """
    data = load_yaml(text, source=source)
    if not isinstance(data, list):
        raise _wrong(source, f"expected a list of entries, found {type(data).__name__}")
    try:
        entries = [_resolve(entry, source) for entry in data if _is_concrete(entry)]
    except RecursionError as error:
        raise _wrong(source, "an entry contains itself") from error
    if not entries:
        raise _wrong(source, "no entry with a pk, so no release")
    return tuple(_release(entry, source) for entry in entries)


def _is_concrete(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("pk") is not None


def _resolve(entry: Mapping[str, Any], source: str, depth: int = 0) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise _wrong(source, f"'extend' is nested deeper than {_MAX_DEPTH}")
    own = {key: value for key, value in entry.items() if key != "extend"}
    parent = entry.get("extend")
    if parent is None:
        return own
    if not isinstance(parent, dict):
        raise _wrong(source, f"'extend' must refer to an entry, found {parent!r}")
    return deep_merge(_resolve(parent, source, depth + 1), own)


def deep_merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return both maps in one; where both have a key, maps merge and else ``above`` counts."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            merged[key] = deep_merge(under, value)
        else:
            merged[key] = value
    return merged


def _release(entry: Mapping[str, Any], source: str) -> Release:
    fields = entry.get("fields")
    if not isinstance(fields, dict):
        raise _wrong(source, f"entry {entry.get('pk')} has no 'fields'")
    for key in _REQUIRED:
        if not isinstance(fields.get(key), str) or not fields[key]:
            raise _wrong(source, f"entry {entry.get('pk')} has no {key!r}")
    _check_orchestrator(entry.get("pk"), fields, source)
    return Release(fields["name"], fields["version"], fields["operating_system"], fields)


def _check_orchestrator(pk: object, fields: Mapping[str, Any], source: str) -> None:
    data = fields.get("orchestrator_data") or {}
    repos = data.get("repo_metadata") or {} if isinstance(data, dict) else None
    if not isinstance(repos, dict) or not all(isinstance(v, str) and v for v in repos.values()):
        raise _wrong(
            source,
            f"entry {pk}: orchestrator_data must be a map, and its repo_metadata one of addresses",
        )


def _wrong(source: str, what: str) -> BundleError:
    return BundleError(f"{source}: {what}", remedy=f"correct {source}")
