"""Two repos to compare, of which one or both are copied from a web server first."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fuel_upgrade.repo.compare import compare_repos
from fuel_upgrade.repo.read_repo import Role, opened_repo
from fuel_upgrade.repo.remote.download import Downloader
from fuel_upgrade.repo.remote.mirror import MirrorOptions, copy_indexes_from, fetch_packages
from fuel_upgrade.system.progress import ByteCounter, Progress

Place = Path | str
"""A folder or archive, or the URL of a repo."""


@contextmanager
def local_pair(  # noqa: PLR0913 - two repos with the options of each, and their purpose
    base: Place,
    current: Place,
    *,
    base_options: MirrorOptions,
    current_options: MirrorOptions,
    cache: Path,
    with_packages: bool,
    progress: Progress,
) -> Iterator[tuple[Path, Path]]:
    """Yield both as folders or archives: of a URL a copy with the packages that the diff carries.

    Raises:
        ConfigError, BundleError, OutsideError: as ``copy_indexes_from`` and ``fetch_packages``.
    """
    counter = ByteCounter(progress, "fetching", 0)
    downloader = Downloader(cache, on_data=counter.add)
    # In the cache, so that packages are linked.
    with tempfile.TemporaryDirectory(prefix=".repos-", dir=cache) as name:
        folder = Path(name)
        pair = []
        for place, options, side in (
            (base, base_options, "base"),
            (current, current_options, "current"),
        ):
            if isinstance(place, str):
                copy_indexes_from(place, folder / side, options, downloader)
                pair.append(folder / side)
            else:
                pair.append(place)
        if isinstance(current, str) and with_packages:
            with opened_repo(pair[0], Role.BASE, scratch=folder) as base_root:
                comparison = compare_repos(
                    base_root, pair[1], suite=current_options.suite, base_suite=base_options.suite
                )
            fetch_packages(current, pair[1], comparison.diff.carried, downloader)
        counter.end()
        yield pair[0], pair[1]
