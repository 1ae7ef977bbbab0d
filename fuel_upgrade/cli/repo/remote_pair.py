"""The repos of a command of which one or both are URLs."""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from fuel_upgrade.repo.build import DiffOptions
from fuel_upgrade.repo.remote.download import default_cache
from fuel_upgrade.repo.remote.local_pair import Place, local_pair
from fuel_upgrade.repo.remote.mirror import MirrorOptions
from fuel_upgrade.system.progress import Progress


def fetched(  # noqa: PLR0913 - the options of a command
    base: Place,
    current: Place,
    *,
    options: DiffOptions,
    keyring: Path | None,
    architectures: tuple[str, ...],
    cache: Path | None,
    progress: Progress,
) -> AbstractContextManager[tuple[Path, Path]]:
    """Return the context in which both repos are local, with the packages that the diff needs."""
    shared = MirrorOptions(architectures=architectures, keyring=keyring)
    contents = options.indexes.contents
    return local_pair(
        base,
        current,
        base_options=replace(shared, suite=options.base_suite),
        current_options=replace(shared, suite=options.suite, contents=contents),
        cache=cache or default_cache(),
        with_packages=not options.indexes_only,
        progress=progress,
    )
