"""The two forms of a release's repos in Nailgun: a map, or an ordered list."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from fuel_upgrade.release.file_order import base_names
from fuel_upgrade.release.fixture import deep_merge
from fuel_upgrade.release.map_order import ordered_keys
from fuel_upgrade.release.model import OrchestratorData, RepoEntry
from fuel_upgrade.release.nailgun_repos import (
    is_of_release,
    own_position,
    read_repos,
    repo_entry,
    repo_list,
)
from fuel_upgrade.release.repo_macros import restore_version, to_later

#: Nailgun's own repos of 6.1 and later have this pin; above 1000, so that apt also goes down.
_DEB_PRIORITY = 1050
_LAST_RPM_PRIORITY = 99  # the default of yum-plugin-priorities
_NEW_SETUP = {
    "metadata": {"label": "Repositories", "weight": 50, "group": "general"},
    "repos": {"type": "custom_repo_configuration", "extra_priority": None, "description": ""},
}


class Dialect(Protocol):
    """The form of releases for one series of Nailgun versions."""

    name: str
    has_tasks: bool
    """Whether a release has deployment tasks."""

    def body(self, fields: Mapping[str, Any], data: OrchestratorData) -> dict[str, Any]:
        """Return the body of ``POST /releases/``: the fields of the release, with these repos."""

    def repo_fields(
        self, fields: Mapping[str, Any], data: OrchestratorData, key_set: int = 0
    ) -> dict[str, Any]:
        """Return the fields with repos of the release ``fields``, with these repos.

        Each ``key_set`` has other keys, if the keys determine the order of the repos.
        """


class MapDialect:
    """Nailgun 6.0: ``orchestrator_data.repo_metadata`` maps names to locations.

    A map has neither order nor priorities: its keys are chosen for the order of the chain.
    """

    name = "6.0"
    has_tasks = False
    _STATES: Mapping[str, str] = {"unavailable": "not_available", "manageonly": "not_available"}

    def body(self, fields: Mapping[str, Any], data: OrchestratorData) -> dict[str, Any]:
        """Return the body; replace a state of a later Nailgun by the nearest.

        ``is_deployable`` is left out: 6.0 computes it.
        """
        kept = {name: value for name, value in fields.items() if name != "is_deployable"}
        return {**kept, **self.repo_fields(fields, data), **_state(fields, self._STATES)}

    def repo_fields(
        self, fields: Mapping[str, Any], data: OrchestratorData, key_set: int = 0
    ) -> dict[str, Any]:
        """Return ``orchestrator_data``; other described repos come last."""
        described = read_repos(fields)
        others = described.others if described else ()
        return {
            "orchestrator_data": {
                "puppet_manifests_source": data.puppet_manifests_source,
                "puppet_modules_source": data.puppet_modules_source,
                "repo_metadata": _in_stable_order((*data.repos, *others), key_set),
            }
        }


def _in_stable_order(repos: Iterable[RepoEntry], key_set: int) -> dict[str, str]:
    entries = list(repos)
    keys = ordered_keys([repo.name for repo in entries], key_set)
    return {key: repo.location for key, repo in zip(keys, entries, strict=True)}


class ListDialect:
    """Nailgun 6.1 to 9.x: ``attributes_metadata.editable.repo_setup.repos.value``, in order.

    The chain replaces the release's own repo in the description, as consecutive entries with
    falling priority, and names of apt repos that sort along the chain; every other entry keeps
    its place.
    """

    name = "6.1"
    has_tasks = True
    _STATES: Mapping[str, str] = dict.fromkeys(
        ("not_available", "downloading", "error"), "unavailable"
    )

    def body(self, fields: Mapping[str, Any], data: OrchestratorData) -> dict[str, Any]:
        """Return the body; replace a state that only 6.0 has by the nearest."""
        kept = {name: value for name, value in fields.items() if name != "orchestrator_data"}
        return {**kept, **self.repo_fields(fields, data), **_state(fields, self._STATES)}

    def repo_fields(
        self, fields: Mapping[str, Any], data: OrchestratorData, key_set: int = 0
    ) -> dict[str, Any]:
        """Return ``attributes_metadata``, which has other data too; a list keeps its order."""
        attributes = fields.get("attributes_metadata") or {}
        setup = {} if repo_list(fields) is not None else _NEW_SETUP
        version = str(fields["version"])
        manifests, modules = (
            to_later(restore_version(source, version))
            for source in (data.puppet_manifests_source, data.puppet_modules_source)
        )
        changes = {
            "editable": {"repo_setup": {"repos": {"value": _arranged(fields, data)}}},
            "generated": {"puppet": {"manifests": manifests, "modules": modules}},
        }
        merged = deep_merge({"editable": {"repo_setup": setup}}, attributes)
        return {"attributes_metadata": deep_merge(merged, changes)}


DIALECTS: Mapping[str, Dialect] = {d.name: d for d in (MapDialect(), ListDialect())}


def _state(fields: Mapping[str, Any], states: Mapping[str, str]) -> dict[str, str]:
    return {"state": states[fields["state"]]} if fields.get("state") in states else {}


def _arranged(fields: Mapping[str, Any], data: OrchestratorData) -> list[dict[str, Any]]:
    """Return the list of repos, with the chain in place of the entries that it had."""
    version, system = str(fields["version"]), str(fields["operating_system"])
    listed = _listed(fields)
    entries = [repo_entry(entry, version) for entry in listed]
    at = own_position(entries, version, system)
    own = {"name": version} if at is None else listed[at]
    given = any(repo.priority is not None for repo in data.repos)
    names = _base_names(str(own["name"]), [r for r in data.repos if r.name != version])
    chain = [
        _chain_entry(repo, own if repo.name == version else {"name": names[repo.name]}, version)
        for repo in data.repos
    ]
    others = [
        (position, dict(entry))
        for position, entry in enumerate(listed)
        if position != at and not is_of_release(entries[position].name)
    ]
    if len(chain) > 1 and not given:
        _prioritize(chain, [entry for _, entry in others])
    place = len(listed) if at is None else at
    before = [entry for position, entry in others if position < place]
    after = [entry for position, entry in others if position >= place]
    return [*before, *chain, *after]


def _listed(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the existing list, or the repos of a map that are not part of the chain."""
    value = repo_list(fields)
    if value is not None:
        return value
    described = read_repos(fields)
    others = described.others if described else ()
    return [{"name": repo.name, **_place(repo.location), "priority": None} for repo in others]


def _base_names(own: str, bases: Sequence[RepoEntry]) -> dict[str, str]:
    """Return the names of bases in the list; yum takes its order from the priorities alone."""
    versions = [repo.name for repo in bases]
    is_deb = any(repo.suite is not None for repo in bases)
    return dict(zip(versions, base_names(own, versions) if is_deb else versions, strict=True))


def _chain_entry(repo: RepoEntry, listed: Mapping[str, Any], version: str) -> dict[str, Any]:
    is_own = repo.name == version
    location = restore_version(repo.location, version) if is_own else repo.location
    priority = listed.get("priority") if repo.priority is None else repo.priority
    return {**listed, **_place(location), "priority": priority}


def _place(location: str) -> dict[str, Any]:
    uri, *place = to_later(location).split()
    if not place:
        return {"type": "rpm", "uri": uri}
    return {"type": "deb", "uri": uri, "suite": place[0], "section": " ".join(place[1:])}


def _prioritize(chain: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    """Set priorities so that each repo of a chain overrides its bases, and nothing else changes."""
    own, *bases = chain
    if own["type"] == "deb":
        first = _DEB_PRIORITY if own["priority"] is None else own["priority"]
        for number, entry in enumerate(chain):
            entry["priority"] = first - number
        return
    had_none = own["priority"] is None
    last = _LAST_RPM_PRIORITY
    if not had_none:
        last = min(own["priority"] + len(bases), last)
    for number, entry in enumerate(reversed(chain)):
        entry["priority"] = last - number
    # A repo with the same priority as the own one keeps it: else newer packages there are hidden.
    for entry in others:
        if had_none and entry.get("priority") is None:
            entry["priority"] = own["priority"]
