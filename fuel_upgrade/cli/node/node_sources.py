"""Reads repos for ``node sources`` and renders the files of a node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fuel_upgrade.cli.node.node_chain import NodeRepos, refuse_options
from fuel_upgrade.errors import OutsideError
from fuel_upgrade.nodes.chain_content import RepoContent, fetch_content
from fuel_upgrade.nodes.exact_sources import SourceStyle, render_exact
from fuel_upgrade.nodes.full_view_source import require_full
from fuel_upgrade.nodes.repo_identity import fetch_identity
from fuel_upgrade.nodes.sources import NodeSource, render_apt, render_yum


@dataclass(frozen=True, slots=True)
class SourceForm:
    """The format of sources: exact, unless ``is_plain``; or as Astute wrote them."""

    os_key: str
    style: SourceStyle
    is_astute: bool = False
    is_plain: bool = False

    def refuse_useless(self, *, is_native: bool) -> None:
        """Refuse options that would have no effect.

        Raises:
            ConfigError: an option has no effect.
        """
        keyed = bool(self.style.signed_by or self.style.gpgkey)
        refuse_options(
            {
                "--plain and --format astute write no keys": keyed
                and (self.is_plain or self.is_astute),
                "--plain is for --format native": self.is_plain and not is_native,
            }
        )


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """The files of a node, path to text; ``unread`` are the repos that could not be read."""

    files: Mapping[str, str]
    unread: tuple[NodeSource, ...] = ()


def read_sources(repos: NodeRepos, form: SourceForm, timeout_s: float) -> SourceFiles:
    """Read the repos as far as the form needs, and render the files of a node."""
    if form.is_plain:
        return _plain(repos.given, form.os_key, timeout_s)
    contents = [_read(source, timeout_s) for source in repos.given]
    if repos.is_full_view:
        require_full(contents[0])
    return SourceFiles(render_exact(form.os_key, contents, form.style))


def _plain(sources: Sequence[NodeSource], os_key: str, timeout_s: float) -> SourceFiles:
    if os_key != "ubuntu":
        return SourceFiles(render_yum(sources))  # nothing in the file depends on the repos
    known, unread = list(sources), []
    for position, source in enumerate(sources):
        try:
            known[position] = fetch_identity(source, timeout_s=timeout_s)
        except OutsideError:
            unread.append(source)
    return SourceFiles(render_apt(known, unread=unread), tuple(unread))


def _read(source: NodeSource, timeout_s: float) -> RepoContent:
    """Read a repo; on failure, name the option that needs no indexes."""
    try:
        known = fetch_identity(source, timeout_s=timeout_s)
        return fetch_content(known, timeout_s=timeout_s)
    except OutsideError as error:
        remedy = f"{error.remedy}; or give --plain for sources of order and pins alone"
        raise error.amended(remedy=remedy) from error
