"""Indexes of a whole release made from those of its parts, where it does not carry its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.repo import AptRepo
from fuel_upgrade.repo.apt.write_indexes import IndexChoice, write_apt_indexes
from fuel_upgrade.repo.compare import Repo
from fuel_upgrade.repo.yum.extras import merge_extras, read_extras
from fuel_upgrade.repo.yum.repo import YumRepo, iter_entries
from fuel_upgrade.repo.yum.repomd import write_metadata


@dataclass(frozen=True, slots=True)
class Part:
    """One repo of a chain, and the locations of those of its packages that the release has."""

    repo: Repo
    locations: frozenset[str]


def write_merged(parts: Sequence[Part], out: Path, *, label: str) -> None:
    """Write one repo's indexes below ``out`` from the entries of ``parts``, newest first.

    The entries are unchanged. An apt package keeps the component that its part lists it in.
    """
    newest = parts[0].repo
    if isinstance(newest, AptRepo):
        _write_apt(newest, parts, out, label)
    else:
        _write_yum(newest, parts, out)


def _write_apt(newest: AptRepo, parts: Sequence[Part], out: Path, label: str) -> None:
    repos = [part.repo for part in parts if isinstance(part.repo, AptRepo)]
    merged = replace(
        newest,
        components=tuple(dict.fromkeys(c for repo in repos for c in repo.components)),
        architectures=tuple(dict.fromkeys(a for repo in repos for a in repo.architectures)),
    )
    entries = [
        entry
        for part in parts
        if isinstance(part.repo, AptRepo)
        for entry in part.repo.iter_entries()
        if entry.package.location in part.locations
    ]
    choice = IndexChoice(translations=False)  # those of the bases are not at hand by component
    write_apt_indexes(merged, entries, out, label=label, choice=choice)


def _write_yum(newest: YumRepo, parts: Sequence[Part], out: Path) -> None:
    pairs = [(part.repo, part.locations) for part in parts if isinstance(part.repo, YumRepo)]
    write_metadata(
        out,
        (entry for repo, locations in pairs for entry in iter_entries(repo, locations)),
        sum(len(locations) for _, locations in pairs),
        merge_extras(read_extras(repo) for repo, _ in pairs).render(),
        replace(newest.form, timestamp=max(repo.timestamp for repo, _ in pairs)),
    )


def refuse_one_place(location: str, root: Path) -> BundleError:
    """Return the error for two packages of a release that would lie at one place."""
    return BundleError(
        f"{root}/{location}: two packages of the release have this place",
        remedy="make the diff repo again, so that it carries the current repo's own indexes",
    )
