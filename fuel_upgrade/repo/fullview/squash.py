"""Make the newest release of a chain independent of its bases."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.repo.build import DiffOptions
from fuel_upgrade.repo.description import FILE_NAME, is_diff_repo
from fuel_upgrade.repo.fullview.view import View, build_view
from fuel_upgrade.repo.read_repo import read_repo
from fuel_upgrade.system.progress import Progress, no_progress


def squash(
    roots: Sequence[Path],
    out: Path,
    options: DiffOptions | None = None,
    *,
    progress: Progress = no_progress,
) -> View:
    """Write at ``out`` the full repo of the release in ``roots``, a diff repo and its bases.

    This is the full view with the content of every package read and checked: the bases may be
    retired afterwards, so this is the last time that a bad file can be replaced.

    Raises:
        ConfigError: the newest repo is full already, or as :func:`build_view`.
        BundleError: a package is missing or is not what the index says.
    """
    if roots[0].is_dir() and not is_diff_repo(roots[0]):
        raise ConfigError(
            f"{roots[0]}: no {FILE_NAME}, expected a diff repo; this one needs no base",
            remedy="name a diff repo first, then its bases, newest first",
        )
    checked = replace(options or DiffOptions(), verify_links=True)
    return build_view(roots, out, checked, progress=progress)


def succeeding(newest: Path) -> DiffOptions:
    """Return the options with which the squashed repo can replace ``newest``.

    apt refuses a repo whose ``Label`` changes (apt-secure(8)), and pins may name it: an unsigned
    repo keeps its label. A signed one cannot, because its key is not available here: the release's
    own signed indexes replace those of the diff repo.

    Raises:
        ConfigError, BundleError: ``newest`` is no repo, or its index is damaged.
    """
    repo = read_repo(newest)
    if not repo.must_keep_label:
        return DiffOptions()
    return DiffOptions(label=repo.label, original=False)
