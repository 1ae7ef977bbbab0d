"""The attributes of a cluster: the settings of its release, with macros replaced. Pure."""

from collections.abc import Mapping

from fuel_upgrade.registry.lines import Line
from fuel_upgrade.registry.orchestrator_macros import render
from fuel_upgrade.registry.refusal import bad_request
from fuel_upgrade.registry.resources import Cluster, JsonObject, ReleaseFields
from fuel_upgrade.release.chain import fuel_part
from fuel_upgrade.release.fixture import deep_merge

_GENERATED = "It is not allowed to update generated attributes"


def default_attributes(
    cluster: Cluster, release: ReleaseFields, *, master_ip: str, line: Line
) -> JsonObject:
    """Return the attributes of a new cluster.

    From 6.1 on macros are replaced here; in 6.0 it was done when the release was written.

    Raises:
        RefusedError: 400 for an unknown macro, on which Nailgun crashes.
    """
    metadata = release.detail("attributes_metadata")
    editable = metadata.get("editable", {}) if isinstance(metadata, dict) else {}
    macros = {
        "settings.MASTER_IP": master_ip,
        "cluster.id": str(cluster.id),
        "cluster.name": cluster.name,
        "cluster.fuel_version": cluster.fuel_version,
        "cluster.release.name": release.name,
        "cluster.release.version": release.version,
        "cluster.release.environment_version": fuel_part(release.version),
        "cluster.release.operating_system": release.operating_system,
    }
    return {"editable": editable if line.has_map else _rendered(editable, macros)}


def changed_attributes(current: JsonObject, body: JsonObject) -> JsonObject:
    """Return attributes with those of ``body``; lists are replaced as a whole.

    Raises:
        RefusedError: 400 for generated attributes and for repos that are no list.
    """
    if "generated" in body:
        raise bad_request(_GENERATED)
    changes = body.get("editable", {})
    if not isinstance(changes, dict):
        raise bad_request("'editable' is not an object")
    place: object = changes
    for name in ("repo_setup", "repos", "value"):
        place = place.get(name, []) if isinstance(place, dict) else []
    if not isinstance(place, list):
        raise bad_request(f"[repos] {place!r} is not of type 'array'")
    return deep_merge(current, {"editable": changes})


def _rendered(value: object, macros: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return render(value, macros)
    if isinstance(value, list):
        return [_rendered(item, macros) for item in value]
    if isinstance(value, dict):
        # the braces of a regular expression are no macros
        return {k: v if k == "regex" else _rendered(v, macros) for k, v in value.items()}
    return value
