"""Renders the node sources of a release from the repos on this master's disk."""

from dataclasses import replace
from pathlib import Path

from fuel_upgrade.config import Config
from fuel_upgrade.errors import ConfigError, PreflightError
from fuel_upgrade.nodes.sources import NodeSource, from_release
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.upgrade.plan.base_search import folder_of

_READ_TIMEOUT_S = 60.0
_KNOWN = ("ubuntu", "centos")


def render_own(config: Config, release: RegisteredRelease) -> dict[str, str]:
    """Return the files that ``node sources`` writes for this release, by relative path.

    Only files below ``paths.repos`` are read: a registered URL must not make the master read its
    other files or other servers.

    Raises:
        ConfigError: the release has no repos, or none of Ubuntu or CentOS.
        PreflightError: a repo is not served by this master.
        OutsideError, BundleError: a repo is missing, or its indexes are damaged.
    """
    # Imported late: not every master has or needs the library of yum repos.
    from fuel_upgrade.nodes.chain_content import fetch_content  # noqa: PLC0415
    from fuel_upgrade.nodes.exact_sources import render_exact  # noqa: PLC0415
    from fuel_upgrade.nodes.repo_identity import fetch_identity  # noqa: PLC0415

    if release.os_key not in _KNOWN:
        raise ConfigError(
            f"release {release.name} is of {release.operating_system!r}, which has no sources",
            remedy=f"register it for one of {', '.join(_KNOWN)}",
        )
    contents = []
    for source in from_release(release):
        local = replace(source, url=_folder(config, source).as_uri())
        known = fetch_identity(local, timeout_s=_READ_TIMEOUT_S)
        content = fetch_content(known, timeout_s=_READ_TIMEOUT_S)
        contents.append(replace(content, source=replace(known, url=source.url)))
    return render_exact(release.os_key, contents)


def _folder(config: Config, source: NodeSource) -> Path:
    """Return the folder of a repo on this master's disk."""
    folder = folder_of(config, source.url)
    root = config.paths.repos.resolve()
    if folder is None or not folder.resolve().is_relative_to(root):
        raise PreflightError(
            f"repo {source.name}: {source.url} is not served from {config.paths.repos}",
            remedy="write its sources with fuel-upgrade node sources, which reads other servers",
        )
    return folder.resolve()
