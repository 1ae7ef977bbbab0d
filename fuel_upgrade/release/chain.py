"""The chain of releases: reads ``metadata.yaml``, orders releases, versions and repos."""

from collections.abc import Mapping, Sequence
from functools import cmp_to_key
from graphlib import CycleError, TopologicalSorter

from fuel_upgrade.errors import BundleError
from fuel_upgrade.release.model import Release, RepoEntry
from fuel_upgrade.release.version_grammar import release_version
from fuel_upgrade.repo.version import compare_deb
from fuel_upgrade.system.yaml_text import dump_yaml, load_yaml

OF_FUEL_5 = "nailgun"
"""The name of the own repo of each release of Fuel 5.0, 5.1 and 5.1.1, after a migration to 6.0."""


def parse_metadata(text: str, *, source: str) -> dict[str, str]:
    """Read ``metadata.yaml``: the version of each diff release, mapped to that of its base.

    Raises:
        BundleError: it is malformed or lacks ``diff_releases``.
    """
    data = load_yaml(text, source=source)
    releases = data.get("diff_releases") if isinstance(data, dict) else None
    if not isinstance(releases, dict):
        raise BundleError(
            f"{source}: expected a map 'diff_releases', found {data!r:.200}",
            remedy="build the tarball again with fuel-upgrade bundle build",
        )
    try:
        return {release_version(key): release_version(base) for key, base in releases.items()}
    except ValueError as error:
        raise BundleError(f"{source}: {error}", remedy=f"correct {source}") from error


def render_metadata(diff_releases: Mapping[str, str]) -> str:
    """Return the text of ``metadata.yaml``, which exists even if no release is a diff."""
    return dump_yaml({"diff_releases": dict(sorted(diff_releases.items()))})


def in_order(
    releases: Sequence[Release], diff_releases: Mapping[str, str], *, source: str
) -> tuple[Release, ...]:
    """Sort releases so that each comes after the release that it is a diff of.

    Raises:
        BundleError: releases are diffs of each other.
    """
    versions = dict.fromkeys(release.version for release in releases).keys()
    graph = {v: {diff_releases[v]} & versions if v in diff_releases else set() for v in versions}
    try:
        sorter = TopologicalSorter(graph)
        rank = {version: number for number, version in enumerate(sorter.static_order())}
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise BundleError(
            f"{source}: releases are diffs of each other: {cycle}",
            remedy="correct diff_releases",
        ) from error
    return tuple(sorted(releases, key=lambda r: (rank[r.version], r.os_key, r.name)))


def compare_fuel_versions(one: str, other: str) -> int:
    """Compare two Fuel versions such as ``5.1.1`` and ``10.0`` by number."""
    return compare_deb(one, other)


def compare_releases(one: str, other: str) -> int:
    """Compare two versions of releases: by Fuel (``8.0`` of ``liberty-8.0``), then by OpenStack.

    Names of OpenStack releases are compared as text and follow all numbers: Liberty (2015.2) was
    the first without a number.
    """
    by_fuel = compare_fuel_versions(fuel_part(one), fuel_part(other))
    return by_fuel or compare_deb(one.partition("-")[0], other.partition("-")[0])


def newest_first(version: str, repos: Sequence[RepoEntry]) -> tuple[RepoEntry, ...]:
    """Order the repos of a release: its own, then by falling Fuel version.

    Nailgun 6.0 returns a map in any order. A release can only be a diff of an older one, so the
    versions in the names restore the order. A repo with the name of Fuel 5 is the oldest.
    """
    rest = [repo for repo in repos if repo.name != version]
    rest.sort(key=lambda repo: (repo.name == OF_FUEL_5, newest_version_first(repo.name)))
    return (*(repo for repo in repos if repo.name == version), *rest)


@cmp_to_key
def newest_version_first(one: str, other: str) -> int:
    """Sort versions of releases by falling Fuel version, as a key."""
    return compare_releases(other, one)


def fuel_part(version: str) -> str:
    """Return ``5.1.1`` of ``2014.1.3-5.1.1``, and ``8.0`` of ``liberty-8.0``.

    Up to Fuel 5.0 a release had the version of OpenStack only (``2014.1``): the oldest of all.
    """
    alone = f"0.{version}" if version[:1].isdigit() else version
    return version.partition("-")[2] or alone
