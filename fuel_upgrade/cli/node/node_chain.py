"""The repos of a node command: those of a registered release, or those of an option."""

from collections.abc import Callable
from dataclasses import dataclass

from fuel_upgrade.cli.client.daemon_client import DaemonClient
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.exact_sources import SourceStyle
from fuel_upgrade.nodes.full_view_source import read_full_view
from fuel_upgrade.nodes.sources import NodeSource, from_release, parse_repo_argument
from fuel_upgrade.release.model import RegisteredRelease, RepoEntry
from fuel_upgrade.release.nailgun_repos import repo_map


@dataclass(frozen=True, slots=True)
class Asked:
    """The options that name repos: RELEASE, ``--repos`` and ``--full-view``."""

    release: str | None
    repos: str | None
    full_view: str | None
    os_key: str


@dataclass(frozen=True, slots=True)
class NodeRepos:
    """The repos that nodes get, newest first, and those that a full view replaces."""

    given: tuple[NodeSource, ...]
    replaced: tuple[NodeSource, ...] = ()
    is_full_view: bool = False


def find_repos(client: Callable[[], DaemonClient], options: Asked) -> NodeRepos:
    """Return the repos that a command names; only a release needs a request to the daemon.

    Raises:
        ConfigError: both or none of RELEASE and ``--repos`` are given, or not exactly one
            release matches.
    """
    if options.full_view is None:
        return NodeRepos(_find_chain(client, options))
    is_alone = options.release is None and options.repos is None
    chain = () if is_alone else _find_chain(client, options)
    view = read_full_view(options.full_view, options.os_key, chain[0] if chain else None)
    return NodeRepos((view,), chain, is_full_view=True)


def find_map(client: Callable[[], DaemonClient], options: Asked) -> tuple[RepoEntry, ...]:
    """Return the repos as Astute gets them: the map of a release, with Nailgun's keys and order.

    Repos of options, and of a release with a list, are as :func:`find_repos` returns them.

    Raises:
        ConfigError: as :func:`find_repos`.
    """
    if options.release is None or options.repos is not None or options.full_view is not None:
        return tuple(source.entry for source in find_repos(client, options).given)
    release = _find_release(client, options)
    if repos := repo_map(client().get(f"/releases/{release.id}")["body"]):
        return tuple(RepoEntry(key, location) for key, location in repos.items())
    return tuple(source.entry for source in from_release(release))


def make_style(os_key: str, form: str, *, signed_by: str, gpgkey: str) -> SourceStyle:
    """Return the format of the sources; ConfigError if an option would have no effect."""
    refusals = {
        "--format deb822 is for ubuntu": form == "deb822" and os_key != "ubuntu",
        "--signed-by is for ubuntu": bool(signed_by) and os_key != "ubuntu",
        "--gpgkey is for centos": bool(gpgkey) and os_key != "centos",
    }
    refuse_options(refusals)
    return SourceStyle(deb822=form == "deb822", signed_by=signed_by, gpgkey=gpgkey)


def refuse_options(refusals: dict[str, bool]) -> None:
    """Raise ConfigError with the texts whose condition is true."""
    if wrong := [text for text, applies in refusals.items() if applies]:
        raise ConfigError("; ".join(wrong), remedy="leave one of these options out")


def _find_chain(client: Callable[[], DaemonClient], options: Asked) -> tuple[NodeSource, ...]:
    if (options.release is None) == (options.repos is None):
        raise ConfigError(
            "expected either RELEASE or --repos", remedy="name a release, or the repos' URLs"
        )
    if options.repos is not None:
        texts = (text.strip() for text in options.repos.split(","))
        return tuple(parse_repo_argument(text, options.os_key) for text in texts)
    return from_release(_find_release(client, options))


def _find_release(client: Callable[[], DaemonClient], options: Asked) -> RegisteredRelease:
    """Return the one release that RELEASE names for this operating system."""
    listed = [RegisteredRelease.from_json(data) for data in client().get("/releases")]
    reference, os_key = str(options.release), options.os_key
    matching = [
        r for r in listed if r.os_key == os_key and reference in (str(r.id), r.version, r.name)
    ]
    if len(matching) != 1:
        known = ", ".join(f"{r.id}: {r.name} ({r.version})" for r in listed) or "none"
        raise ConfigError(
            f"{reference}: {len(matching)} releases for {os_key} match (registered: {known})",
            remedy="name one of them by its id, see fuel-upgrade releases",
        )
    return matching[0]
