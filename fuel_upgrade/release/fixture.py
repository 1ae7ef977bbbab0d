"""``openstack.yaml``: the releases of an openstack bundle, in Nailgun's fixture format.

A fixture is a list of entries ``{pk, model, fields, extend}``, as YAML or as JSON. Entries without
``pk`` are abstract, for others to ``extend``: that field has the extended entry (in YAML an alias),
which is merged deeply under the fields of the entry (``load_fixture`` of Nailgun).
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

import yaml

from fuel_upgrade.errors import BundleError
from fuel_upgrade.release.field_checks import check_fields
from fuel_upgrade.release.model import Release
from fuel_upgrade.system.strict_json import DECODER
from fuel_upgrade.system.yaml_text import DESCRIPTION, check_length, load_yaml

MODEL = "nailgun.release"
_TOO_LARGE = f"more than {DESCRIPTION.depth} levels or {DESCRIPTION.nodes} values"
_KEYS = frozenset({"pk", "model", "fields", "extend"})


def parse_fixture(text: str, *, source: str) -> tuple[Release, ...]:
    """Return the releases of a fixture, which is JSON if ``source`` ends with ``.json``.

    Raises:
        BundleError: it is malformed, describes no release, or has an entry that Nailgun refuses;
            the error names every fault, with the ``pk`` of the entry and the field.
    """
    data = load_fixture(text, source=source)
    if not isinstance(data, list):
        raise _malformed(source, f"expected a list of entries, found {type(data).__name__}")
    concrete = [entry for entry in data if isinstance(entry, dict) and entry.get("pk") is not None]
    if not concrete:
        raise _malformed(source, "no entry with a pk, so no release")
    faults: list[str] = [
        f"entry number {number}: expected a map, found {entry!r:.80}"
        for number, entry in enumerate(data, 1)
        if not isinstance(entry, dict)
    ]
    releases: list[tuple[object, Release]] = []
    for entry in concrete:
        pk = entry["pk"]
        whole = _extended(entry, faults)
        wrong = [f"entry {pk}: {fault}" for fault in _entry_faults(whole)]
        faults += wrong
        if not wrong:
            fields = whole["fields"]
            key = (fields["name"], fields["version"], fields["operating_system"])
            releases.append((pk, Release(*key, fields)))
    faults += _duplicates(releases)
    if faults:
        raise _malformed(source, "; ".join(faults))
    return tuple(release for _, release in releases)


def load_fixture(text: str, *, source: str) -> Any:
    """Parse a fixture within bounds into JSON values.

    Raises:
        BundleError: it is malformed or beyond its bounds; the message names the place.
    """
    if PurePath(source).suffix != ".json":
        return load_yaml(text, source=source)
    try:
        check_length(text, DESCRIPTION)
        data = DECODER.decode(text)
        _check_size(data)
    except RecursionError as error:
        raise _malformed(source, f"malformed JSON: {_TOO_LARGE}") from error
    except ValueError as error:
        raise _malformed(source, f"malformed JSON: {error}") from error
    return data


def as_yaml(text: str, *, source: str) -> str:
    """Return a fixture as YAML, the form in a tarball: YAML unchanged, JSON converted.

    Raises:
        BundleError: as :func:`load_fixture`.
    """
    if PurePath(source).suffix != ".json":
        return text
    rendered: str = yaml.safe_dump(load_fixture(text, source=source), sort_keys=False)
    load_yaml(rendered, source=source)  # as the master does
    return rendered


def _check_size(data: object) -> None:
    """Check JSON against the bounds of YAML, to which it is converted; without recursion."""
    level, depth, nodes = [data], 0, 0
    while level:
        nodes += len(level)
        depth += 1
        if depth > DESCRIPTION.depth or nodes > DESCRIPTION.nodes:
            raise ValueError(_TOO_LARGE)
        level = [child for one in level for child in _children(one)]


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _extended(entry: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    """Merge an entry with all entries that it extends; a loop allows chains of any length."""
    chain: list[Mapping[str, Any]] = []
    link: object = entry
    while isinstance(link, dict):
        chain.append(link)
        link = link.get("extend")
    if link is not None:
        faults.append(f"entry {entry['pk']}: 'extend' must refer to an entry, found {link!r:.80}")
    merged: dict[str, Any] = {}
    for above in reversed(chain):
        merged = deep_merge(merged, {k: v for k, v in above.items() if k != "extend"})
    return merged


def deep_merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two maps; where both have a key, merge maps, and else take the value of ``above``."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            merged[key] = deep_merge(under, value)
        else:
            merged[key] = value
    return merged


def _entry_faults(entry: Mapping[str, Any]) -> Iterator[str]:
    model = entry.get("model", MODEL)  # an entry without a model counts as a release
    if model != MODEL:
        yield f"model is {model!r}, expected {MODEL}: only releases can be registered"
        return
    if unknown := sorted(str(key) for key in entry.keys() - _KEYS):
        yield f"unknown key {', '.join(unknown)}, expected only {', '.join(sorted(_KEYS))}"
    fields = entry.get("fields")
    if not isinstance(fields, dict):
        yield f"has no 'fields', expected a map, found {fields!r:.80}"
        return
    yield from check_fields(fields)


def _duplicates(releases: list[tuple[object, Release]]) -> Iterator[str]:
    """Yield entries with the same name and version, of which Nailgun refuses the second."""
    first: dict[tuple[str, str], tuple[object, Release]] = {}
    for pk, release in releases:
        before, other = first.setdefault((release.name, release.version), (pk, release))
        if other is not release:
            systems = sorted({other.operating_system, release.operating_system})
            yield (
                f"entries {before} and {pk} are both {release.name} ({release.version}) on"
                f" {' and '.join(systems)}"
            )


def _malformed(source: str, reason: str) -> BundleError:
    return BundleError(f"{source}: {reason}", remedy=f"correct {source}")
