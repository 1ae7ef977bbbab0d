"""The single source of nodes that use the full view of a release instead of its chain."""

from pathlib import Path

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.chain_content import RepoContent
from fuel_upgrade.nodes.sources import NodeSource, parse_repo_argument
from fuel_upgrade.repo.apt.suite import AptSuite, suites


def read_full_view(text: str, os_key: str, like: NodeSource | None = None) -> NodeSource:
    """Return the source of a full view, given by its URL or its folder.

    Suite and components of an apt repo may be omitted: they are read from a folder, and for a URL
    they default to those of ``like``, the release's own repo.

    Raises:
        ConfigError: the form is not one of ``parse_repo_argument``, or suite and components are
            neither given nor known.
    """
    given = text.strip()
    address, *place = [given] if given and Path(given).is_dir() else (given.split() or [""])
    folder = Path(address)
    is_folder = bool(address) and folder.is_dir()
    if os_key == "ubuntu" and not place:
        if is_folder:
            place = _place_on_disk(folder)
        elif like is not None and like.suite is not None:
            place = [like.suite, *like.components]
    url = folder.absolute().as_uri() if is_folder else address
    return parse_repo_argument(" ".join([url, *place]), os_key)


def require_full(content: RepoContent) -> None:
    """Refuse a diff repo: a node with it alone lacks the inherited packages."""
    if content.inherited:
        raise ConfigError(
            f"{content.source.url} is a diff repo that inherits {len(content.inherited)} packages"
            " from its base, expected a full repo",
            remedy="make the view with 'fuel-upgrade repo view' and give its URL",
        )


def _place_on_disk(folder: Path) -> list[str]:
    present = suites(folder)
    if len(present) != 1:
        raise ConfigError(
            f"{folder}: expected one suite, found {', '.join(present) or 'none'}",
            remedy="give the full view as 'URL SUITE COMPONENT...'",
        )
    return [*present, *AptSuite.open(folder).components]
