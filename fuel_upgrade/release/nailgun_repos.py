"""Reads the repos of a release from either of the forms in which Nailgun has had them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, RepoEntry
from fuel_upgrade.release.repo_macros import VERSION, from_later, render

# Versions of releases are such as 2014.2-6.0, liberty-8.0 and 5.1; mirrors are ubuntu, mos-updates.
_VERSION = re.compile(r"(?:^|-)\d")
#: What reading repos raises where they have another form than those of Nailgun.
NOT_REPOS = (LookupError, TypeError, ValueError, AttributeError)
_LATE_KEY = re.compile(r"^zz\d\d-")


@dataclass(frozen=True, slots=True)
class Repos:
    """The repos of a release: its chain, own repo first, and the others; macros are ours.

    A puppet source is None where none is given.
    """

    chain: tuple[RepoEntry, ...]
    others: tuple[RepoEntry, ...]
    puppet_manifests_source: str | None
    puppet_modules_source: str | None


def read_release(data: Mapping[str, Any], *, master_ip: str = "") -> RegisteredRelease:
    """Read one entry of ``GET /releases/`` (contract: ``list``), of Nailgun 6.0 or later.

    Macros that Nailgun left are filled in; an empty ``master_ip`` leaves the master's.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: it is not of that form.
    """
    version = str(data["version"])
    found = read_repos(data)
    return RegisteredRelease(
        id=int(data["id"]),
        name=str(data["name"]),
        version=version,
        operating_system=str(data["operating_system"]),
        state=str(data.get("state", "")),
        orchestrator=_orchestrator(found, version, master_ip) if found else None,
        others=_render(found.others, version, master_ip) if found else (),
    )


def _orchestrator(found: Repos, version: str, master_ip: str) -> OrchestratorData:
    return OrchestratorData(
        _render(found.chain, version, master_ip),
        render(found.puppet_manifests_source or "", version, master_ip),
        render(found.puppet_modules_source or "", version, master_ip),
    )


def _render(repos: Iterable[RepoEntry], version: str, master_ip: str) -> tuple[RepoEntry, ...]:
    return tuple(replace(r, location=render(r.location, version, master_ip)) for r in repos)


def read_repos(fields: Mapping[str, Any]) -> Repos | None:
    """Read the repos of a release as it is described, posted or shown; None where it has none.

    ``fields`` has version and operating system. A map in ``orchestrator_data`` (6.0) counts
    before a list in ``attributes_metadata`` (6.1 and later): a 6.0 keeps both.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: they have no known form.
    """
    version = str(fields["version"])
    if orchestrator := fields.get("orchestrator_data"):
        return _from_map(orchestrator, version)
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


def _from_map(orchestrator: Mapping[str, Any], version: str) -> Repos:
    repos = orchestrator.get("repo_metadata")
    entries = [
        RepoEntry(_LATE_KEY.sub("", str(name)), _text(location))
        for name, location in ({} if repos is None else repos).items()
    ]
    own = next((at for at, e in enumerate(entries) if e.name in (version, VERSION)), None)
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
    bases = (entry for entry in rest if is_version(entry.name))
    return (*first, *bases), tuple(entry for entry in rest if not is_version(entry.name))


def repo_metadata(fields: Mapping[str, Any], master_ip: str) -> dict[str, str]:
    """Return all repos of a release as Astute is told of them: name to location, macros filled in.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: they have no known form.
    """
    version = str(fields["version"])
    if orchestrator := fields.get("orchestrator_data"):
        return dict(orchestrator.get("repo_metadata") or {})
    entries = (repo_entry(entry, version) for entry in repo_list(fields) or ())
    return {repo.name: render(repo.location, version, master_ip) for repo in entries}


def repo_list(fields: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """Return the list of repos of Nailgun 6.1 and later, None where there is none.

    Raises:
        TypeError, AttributeError: what is there is no list, or lies in no map.
    """
    found: Any = fields.get("attributes_metadata") or {}
    for name in ("editable", "repo_setup", "repos", "value"):
        found = found.get(name)
        if found is None:
            return None
    if not isinstance(found, list):
        raise TypeError(f"repo_setup.repos.value is no list: {found!r}")
    return found


def repo_entry(entry: Mapping[str, Any], version: str) -> RepoEntry:
    """Read one entry of that list; macros become ours.

    Raises:
        LookupError, TypeError: it has no name or uri, or one of its fields is no text.
    """
    place = (entry["uri"], entry.get("suite") or "", entry.get("section") or "")
    location = from_later(" ".join(_text(word) for word in place).strip(), version)
    priority = entry.get("priority")
    return RepoEntry(_text(entry["name"]), location, None if priority is None else int(priority))


def repo_list_fault(fields: Mapping[str, Any]) -> str | None:
    """Say why the list of repos cannot be read; None where it can, or where there is none."""
    try:
        for entry in repo_list(fields) or ():
            repo_entry(entry, "")
    except NOT_REPOS as error:
        return f"{type(error).__name__}: {error}"
    return None


def own_position(entries: list[RepoEntry], version: str, operating_system: str) -> int | None:
    """Return which of a list is the release's own: by its place on the master, or its name.

    The descriptions of 6.1 and later call it ``mos``.
    """
    place = f"/{version}/{operating_system.lower()}/x86_64"
    paths = [urlsplit(render(e.url, version, "")).path.rstrip("/") for e in entries]
    named = (at for at, e in enumerate(entries) if e.name == version)
    return next((at for at, path in enumerate(paths) if path.endswith(place)), next(named, None))


def is_version(name: str) -> bool:
    """Tell whether a repo is named as the release that it belongs to."""
    return _VERSION.search(name) is not None


def _later(text: str | None, version: str) -> str | None:
    return None if text is None else from_later(_text(text), version)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {value!r}")
    return value
