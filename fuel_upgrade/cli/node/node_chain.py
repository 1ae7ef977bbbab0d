"""Which repos a command for nodes means: those of a registered release, or those given."""

from collections.abc import Callable
from dataclasses import dataclass

from fuel_upgrade.cli.client.daemon_client import DaemonClient
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.exact_sources import SourceStyle
from fuel_upgrade.nodes.full_view_source import read_full_view
from fuel_upgrade.nodes.sources import NodeSource, from_release, parse_repo_argument
from fuel_upgrade.release.model import RegisteredRelease


@dataclass(frozen=True, slots=True)
class Asked:
    """How a command names its repos: RELEASE, ``--repos`` and ``--full-view``."""

    release: str | None
    repos: str | None
    full_view: str | None
    os_key: str


@dataclass(frozen=True, slots=True)
class NodeRepos:
    """The repos that nodes get, newest first, and those that the full view stands for."""

    given: tuple[NodeSource, ...]
    replaced: tuple[NodeSource, ...] = ()
    is_full_view: bool = False


def find_repos(client: Callable[[], DaemonClient], asked: Asked) -> NodeRepos:
    """Return the repos that a command names; the daemon is asked for a release only.

    Raises:
        ConfigError: RELEASE and ``--repos`` are both given, or nothing is, or no release or
            several match.
    """
    if asked.full_view is None:
        return NodeRepos(_find_chain(client, asked))
    is_alone = asked.release is None and asked.repos is None
    chain = () if is_alone else _find_chain(client, asked)
    view = read_full_view(asked.full_view, asked.os_key, chain[0] if chain else None)
    return NodeRepos((view,), chain, is_full_view=True)


def make_style(os_key: str, form: str, *, signed_by: str, gpgkey: str) -> SourceStyle:
    """Return how to write sources down; ConfigError where an option would be without effect."""
    refusals = {
        "--format deb822 is for ubuntu": form == "deb822" and os_key != "ubuntu",
        "--signed-by is for ubuntu": bool(signed_by) and os_key != "ubuntu",
        "--gpgkey is for centos": bool(gpgkey) and os_key != "centos",
    }
    refuse_options(refusals)
    return SourceStyle(deb822=form == "deb822", signed_by=signed_by, gpgkey=gpgkey)


def refuse_options(refusals: dict[str, bool]) -> None:
    """Raise ConfigError with the texts that apply."""
    if wrong := [text for text, applies in refusals.items() if applies]:
        raise ConfigError("; ".join(wrong), remedy="leave one of these options out")


def _find_chain(client: Callable[[], DaemonClient], asked: Asked) -> tuple[NodeSource, ...]:
    if (asked.release is None) == (asked.repos is None):
        raise ConfigError(
            "expected either RELEASE or --repos", remedy="name a release, or the repos' URLs"
        )
    if asked.repos is not None:
        texts = (text.strip() for text in asked.repos.split(","))
        return tuple(parse_repo_argument(text, asked.os_key) for text in texts)
    listed = [RegisteredRelease.from_json(data) for data in client().get("/releases")]
    return from_release(_pick(listed, str(asked.release), asked.os_key))


def _pick(listed: list[RegisteredRelease], wanted: str, os_key: str) -> RegisteredRelease:
    """Return the one release that ``wanted`` names for this operating system."""
    matching = [
        r for r in listed if r.os_key == os_key and wanted in (str(r.id), r.version, r.name)
    ]
    if len(matching) != 1:
        known = ", ".join(f"{r.id}: {r.name} ({r.version})" for r in listed) or "none"
        raise ConfigError(
            f"{wanted}: {len(matching)} releases for {os_key} match (registered: {known})",
            remedy="name one of them by its id, see fuel-upgrade releases",
        )
    return matching[0]
