"""Two repos to compare, of which one or both are copied from a web server first."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from fuel_upgrade.repo.build import DiffOptions
from fuel_upgrade.repo.remote.download import Downloader
from fuel_upgrade.repo.remote.mirror import Mirror, MirrorOptions
from fuel_upgrade.system.progress import Progress

Place = Path | str
"""A folder or archive, or the URL of a repo."""


@contextmanager
def local_pair(  # noqa: PLR0913 - two repos, the two kinds of options, and their cache
    base: Place,
    current: Place,
    options: DiffOptions,
    *,
    mirror: MirrorOptions,
    cache: Path,
    progress: Progress,
) -> Iterator[tuple[Path, Path, DiffOptions]]:
    """Yield both as folders or archives, and the options of their diff.

    A URL becomes a copy of its indexes. The options fetch the packages of ``current`` when the
    diff needs them.

    Raises:
        ConfigError, BundleError, OutsideError: as ``Mirror.copy_indexes``.
    """
    downloader = Downloader(cache)
    base_parts = replace(mirror, suite=options.base_suite)
    current_parts = replace(mirror, suite=options.suite, contents=options.indexes.contents)
    # In the cache, so that packages are linked.
    with tempfile.TemporaryDirectory(prefix=".repos-", dir=cache) as name:
        if isinstance(base, str):
            folder = Path(name, "base")
            Mirror(base, folder, base_parts, downloader).copy_indexes(progress)
            base = folder
        if isinstance(current, str):
            folder = Path(name, "current")
            copy = Mirror(current, folder, current_parts, downloader)
            copy.copy_indexes(progress)
            options, current = replace(options, fetch=partial(copy.fetch, progress)), folder
        yield base, current, options
