"""Reads the repos of a release from the forms of all versions of Nailgun."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from fuel_upgrade.release.chain import OF_FUEL_5
from fuel_upgrade.release.file_order import plain_name
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, RepoEntry
from fuel_upgrade.release.repo_macros import VERSION, from_later, render

# Versions of releases are such as 2014.2-6.0, liberty-8.0 and 5.1; mirrors are ubuntu, mos-updates.
_VERSION = re.compile(r"(?:^|-)\d")
#: The errors of reading repos in an unknown form.
NOT_REPOS = (LookupError, TypeError, ValueError, AttributeError)
_LATE_KEY = re.compile(r"^zz\d\d+-")


@dataclass(frozen=True, slots=True)
class Repos:
    """The repos of a release: its chain, own repo first, and the others; macros are ours.

    A puppet source is None if not given.
    """

    chain: tuple[RepoEntry, ...]
    others: tuple[RepoEntry, ...]
    puppet_manifests_source: str | None
    puppet_modules_source: str | None


def read_release(data: Mapping[str, Any], *, master_ip: str = "") -> RegisteredRelease:
    """Read one entry of ``GET /releases/`` (contract: ``list``), of Nailgun 6.0 or later.

    Remaining macros are filled in, except that of the master if ``master_ip`` is empty.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: it is not of that form.
    """
    version = str(data["version"])
    repos = read_repos(data)
    return RegisteredRelease(
        id=int(data["id"]),
        name=str(data["name"]),
        version=version,
        operating_system=str(data["operating_system"]),
        state=str(data.get("state", "")),
        orchestrator=_orchestrator(repos, version, master_ip) if repos else None,
        others=_render(repos.others, version, master_ip) if repos else (),
    )


def _orchestrator(repos: Repos, version: str, master_ip: str) -> OrchestratorData:
    return OrchestratorData(
        _render(repos.chain, version, master_ip),
        render(repos.puppet_manifests_source or "", version, master_ip),
        render(repos.puppet_modules_source or "", version, master_ip),
    )


def _render(repos: Iterable[RepoEntry], version: str, master_ip: str) -> tuple[RepoEntry, ...]:
    return tuple(replace(r, location=render(r.location, version, master_ip)) for r in repos)


def read_repos(fields: Mapping[str, Any]) -> Repos | None:
    """Read the repos of a release as described, posted or shown; None if it has none.

    ``fields`` has version and operating system. A map in ``orchestrator_data`` (6.0) takes
    precedence over a list in ``attributes_metadata`` (6.1 and later): a 6.0 keeps both.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: they have no known form.
    """
    version = str(fields["version"])
    if orchestrator := fields.get("orchestrator_data"):
        return _from_map(orchestrator, version, str(fields["operating_system"]))
    value = repo_list(fields)
    if value is None:
        return None
    entries = [repo_entry(entry, version) for entry in value]
    own = own_position(entries, version, str(fields["operating_system"]))
    puppet = ((fields["attributes_metadata"].get("generated") or {}).get("puppet")) or {}
    return Repos(
        *_split(entries, own, version),
        _later(puppet.get("manifests"), version),
        _later(puppet.get("modules"), version),
    )


def _from_map(orchestrator: Mapping[str, Any], version: str, operating_system: str) -> Repos:
    repos = orchestrator.get("repo_metadata")
    entries = [
        RepoEntry(_LATE_KEY.sub("", str(name)), _text(location))
        for name, location in ({} if repos is None else repos).items()
    ]
    own = next((at for at, e in enumerate(entries) if e.name in (version, VERSION)), None)
    if own is None:
        own = own_position(entries, version, operating_system)
    if own is None:  # at a place of 5.0 and 5.1: /ubuntu/fuelweb/x86_64
        own = next((at for at, e in enumerate(entries) if e.name == OF_FUEL_5), None)
    return Repos(
        *_split(entries, own, version),
        orchestrator.get("puppet_manifests_source"),
        orchestrator.get("puppet_modules_source"),
    )


def _split(
    entries: list[RepoEntry], own: int | None, version: str
) -> tuple[tuple[RepoEntry, ...], tuple[RepoEntry, ...]]:
    """Return the chain, own repo first, and the others."""
    first = () if own is None else (replace(entries[own], name=version),)
    rest = [entry for at, entry in enumerate(entries) if at != own]
    bases = (entry for entry in rest if is_of_release(entry.name))
    return (*first, *bases), tuple(entry for entry in rest if not is_of_release(entry.name))


def chain_order(fields: Mapping[str, Any]) -> list[str] | None:
    """Return the names in the chain of a map, in the map's order; None for a list.

    Raises:
        TypeError, AttributeError: the repos have no known form.
    """
    if (repos := repo_map(fields)) is None:
        return None
    names = (_LATE_KEY.sub("", str(key)) for key in repos)
    return [name for name in names if is_of_release(name) or name == fields["version"]]


def repo_metadata(fields: Mapping[str, Any], master_ip: str) -> dict[str, str]:
    """Return all repos of a release in the form for Astute: name to location, macros filled in.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: they have no known form.
    """
    if (repos := repo_map(fields)) is not None:
        return dict(repos)
    version = str(fields["version"])
    entries = (repo_entry(entry, version) for entry in repo_list(fields) or ())
    return {repo.name: render(repo.location, version, master_ip) for repo in entries}


def repo_map(fields: Mapping[str, Any]) -> Mapping[str, str] | None:
    """Return the map of repos of Nailgun 6.0, or None.

    Raises:
        AttributeError: it is not inside a map.
    """
    orchestrator = fields.get("orchestrator_data")
    return (orchestrator.get("repo_metadata") or {}) if orchestrator else None


def repo_list(fields: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """Return the list of repos of Nailgun 6.1 and later, or None.

    Raises:
        TypeError, AttributeError: the value is no list, or is not inside maps.
    """
    value: Any = fields.get("attributes_metadata") or {}
    for name in ("editable", "repo_setup", "repos", "value"):
        value = value.get(name)
        if value is None:
            return None
    if not isinstance(value, list):
        raise TypeError(f"repo_setup.repos.value is no list: {value!r}")
    return value


def repo_entry(entry: Mapping[str, Any], version: str) -> RepoEntry:
    """Read one entry of that list; macros become ours.

    Raises:
        LookupError, TypeError: it has no name or uri, or a field is no text.
    """
    place = (entry["uri"], entry.get("suite") or "", entry.get("section") or "")
    location = from_later(" ".join(_text(word) for word in place).strip(), version)
    priority = entry.get("priority")
    name = plain_name(_text(entry["name"]))
    return RepoEntry(name, location, None if priority is None else int(priority))


def repos_fault(fields: Mapping[str, Any]) -> str | None:
    """Return why the repos of a description cannot be read; None if they can."""
    try:
        read_repos({"version": "", "operating_system": "", **fields})
    except NOT_REPOS as error:
        return f"{type(error).__name__}: {error}"
    return None


def own_position(entries: list[RepoEntry], version: str, operating_system: str) -> int | None:
    """Return the index of the release's own repo, by its location on the master or its name.

    The descriptions of 6.1 and later call it ``mos``.
    """
    place = f"/{version}/{operating_system.lower()}/x86_64"
    paths = [urlsplit(render(e.url, version, "")).path.rstrip("/") for e in entries]
    named = (at for at, e in enumerate(entries) if e.name == version)
    return next((at for at, path in enumerate(paths) if path.endswith(place)), next(named, None))


def is_of_release(name: str) -> bool:
    """Return whether a name is that of a release's own repo: its version, or that of Fuel 5."""
    return name == OF_FUEL_5 or _VERSION.search(name) is not None


def _later(text: str | None, version: str) -> str | None:
    return None if text is None else from_later(_text(text), version)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {value!r}")
    return value
