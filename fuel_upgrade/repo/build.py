"""Write a diff repo: complete and proved, or not at all."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.repo.compare import Comparison, open_pair
from fuel_upgrade.repo.description import FILE_NAME, DiffDescription
from fuel_upgrade.repo.diff import RepoDiff
from fuel_upgrade.repo.original_indexes import write_original
from fuel_upgrade.repo.package import Package
from fuel_upgrade.repo.proof.read_proof import describe, prove_written, proving
from fuel_upgrade.repo.read_repo import Role, opened_repo
from fuel_upgrade.repo.repo import Entry, IndexChoice, Repo
from fuel_upgrade.repo.sign import SigningKey
from fuel_upgrade.system.beside import beside
from fuel_upgrade.system.collector import paused_collector
from fuel_upgrade.system.files import (
    copy_hashed,
    hash_file,
    link_file,
    remove_tree,
    rename,
    sync_filesystem,
    write_file,
)
from fuel_upgrade.system.hashing import on_all_cores
from fuel_upgrade.system.progress import Progress, no_progress

Place = tuple[Package, Path, Path]
"""A package, its file, and the file to make."""

_FEW_PACKAGES = 2000  # are described in less time than the process is copied
_FOLDER_MODE, _FILE_MODE, _READ = 0o755, 0o644, 0o444


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """How to make a diff repo.

    ``link`` hard-links packages if the file system allows it; ``verify_links`` also checks the
    content of linked files (copied ones always are); ``suite`` and ``base_suite`` select one of
    several apt suites; ``label`` is the ``Label`` of ``Release``; ``indexes_only`` leaves the
    packages out, for inputs that have only indexes; ``key`` signs the index; ``original`` also
    carries the current repo's own indexes, for the full view. ``indexes`` selects the apt indexes
    beside ``Packages``. ``strict_extras`` refuses unreadable yum metadata instead of dropping it.
    ``fetch`` brings packages to their places in the current repo, if only its indexes are there.
    """

    link: bool = True
    verify_links: bool = False
    suite: str | None = None
    base_suite: str | None = None
    label: str | None = None
    indexes_only: bool = False
    key: SigningKey | None = None
    original: bool = True
    strict_extras: bool = False
    indexes: IndexChoice = field(default_factory=IndexChoice)
    fetch: Callable[[Sequence[Package]], None] | None = None


@paused_collector()
def build_diff(
    base: Path,
    current: Path,
    out: Path,
    options: DiffOptions | None = None,
    *,
    progress: Progress = no_progress,
) -> DiffDescription:
    """Write at ``out`` the diff repo of ``current`` against ``base``, each a folder or an archive.

    Raises:
        ConfigError: ``out`` exists, an input does not, or the two are of different kinds.
        BundleError: an input is damaged, a package differs from its index, or the proof that base
            and output together are the current repo fails.
    """
    with written_whole(out) as staging:
        return _write(base, current, staging, options or DiffOptions(), progress)


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``out``; afterwards, move it there, durably.

    An error inside removes the folder.

    Raises:
        ConfigError: ``out`` exists.
    """
    if out.exists():
        raise ConfigError(f"{out}: exists already", remedy="name a new folder, or remove this one")
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield staging
        _let_all_read(staging)
        sync_filesystem(staging)
        rename(staging, out)
    except BaseException:
        remove_tree(staging)
        raise


def _let_all_read(root: Path) -> None:
    """Let a web server read the repo, whatever the umask and the modes of the inputs are."""
    for folder, _, names in os.walk(root):
        Path(folder).chmod(_FOLDER_MODE)
        for path in (Path(folder, name) for name in names):
            if not _is_for_all(path.stat()):
                path.chmod(_FILE_MODE)


def _is_for_all(status: os.stat_result) -> bool:
    return status.st_mode & _READ == _READ


def _write(
    base: Path, current: Path, out: Path, options: DiffOptions, progress: Progress
) -> DiffDescription:
    scratch = out.parent
    with (
        opened_repo(base, Role.BASE, scratch=scratch) as base_root,
        opened_repo(current, Role.CURRENT, scratch=scratch) as current_root,
    ):
        progress("comparing", 0, 1)
        pair = open_pair(
            base_root, current_root, suite=options.suite, base_suite=options.base_suite
        )
        with proving(pair, None, prove_written) as (comparison, prove):
            description = _write_described(comparison, out, options, progress)
            proof = prove((out, _without_inherited(description)))
    proof.require(f"{current} against {base}")
    return description


def _write_described(
    comparison: Comparison, out: Path, options: DiffOptions, progress: Progress
) -> DiffDescription:
    if options.strict_extras:
        _require_readable(comparison.current)
    is_short = len(comparison.diff.carried) < _FEW_PACKAGES
    with beside(partial(describe, comparison), _without_inherited, is_short=is_short) as described:
        _write_repo(comparison, out, options, progress)
        current_repo, choice = comparison.current, options.indexes
        original = write_original(current_repo, out, choice) if options.original else ()
        description = replace(
            described(None),
            inherited=comparison.diff.inherited,
            original=original,
            # Before the archives are closed: each pass reads their indexes again.
            dropped=current_repo.dropped(choice),
        )
    write_file(out / FILE_NAME, description.render().encode())
    return description


def _without_inherited(description: DiffDescription, _: None = None) -> DiffDescription:
    """Leave out the list that each process has."""
    return replace(description, inherited=())


def _require_readable(repo: Repo) -> None:
    if repo.unreadable:
        listed = "; ".join(map(str, repo.unreadable))
        raise BundleError(
            f"{repo.root}: metadata beside primary cannot be read: {listed}",
            remedy="copy the current repo again, rebuild its metadata with createrepo_c, or leave"
            " --strict-extras out to drop them",
        )


def _write_repo(
    comparison: Comparison, out: Path, options: DiffOptions, progress: Progress
) -> None:
    current, changes = comparison.current, comparison.diff
    entries = _carried_entries(comparison)
    label = options.label or diff_label(changes)
    with ThreadPoolExecutor(1) as beside:
        writing = beside.submit(
            current.write_indexes,
            entries,
            out,
            label=label,
            choice=options.indexes,
            base=comparison.base,
        )
        if not options.indexes_only:
            places = _places(comparison, entries, out)
            if options.fetch:
                options.fetch([package for package, _, _ in places])
            place_all(places, out, options, progress)
        writing.result()
    if options.key:
        current.sign(out, options.key)


def _carried_entries(comparison: Comparison) -> Iterable[Entry]:
    if comparison.quick:
        return comparison.quick.carried
    algorithm = comparison.diff.algorithm
    names = {package.name for package in comparison.diff.carried}
    entries = comparison.current.entries(algorithm=algorithm, names=names)
    return tuple(_carried(comparison, entries))


def _carried(comparison: Comparison, entries: Iterable[Entry]) -> Iterator[Entry]:
    algorithm = comparison.diff.algorithm
    carried = {package.identity(algorithm) for package in comparison.diff.carried}
    return (entry for entry in entries if entry.package.identity(algorithm) in carried)


def _places(comparison: Comparison, entries: Iterable[Entry], out: Path) -> tuple[Place, ...]:
    quick, root = comparison.quick, comparison.current.root
    listed = _carried(comparison, quick.current) if quick else entries  # reads no index again
    packages = {entry.package.location: entry.package for entry in listed}
    return tuple((package, root / path, out / path) for path, package in packages.items())


def diff_label(diff: RepoDiff) -> str:
    """Return a label made of both fingerprints, so that pins distinguish diff and base."""
    both = f"{diff.base_fingerprint} {diff.result_fingerprint}"
    return "fuel-diff-" + hashlib.sha256(both.encode()).hexdigest()[:12]


def place_all(places: Sequence[Place], out: Path, options: DiffOptions, progress: Progress) -> None:
    """Link or copy packages into the repo at ``out``; if their content is read, on all cores.

    Raises:
        BundleError: a file is missing, or differs from the index.
    """
    reads = options.verify_links or not options.link or _is_other_disk(places, out)
    for_all = on_all_cores if reads else map
    for done, _ in enumerate(for_all(partial(_place, options), places)):
        progress("packages", done, len(places))
    progress("packages", len(places), len(places))


def _is_other_disk(places: Sequence[Place], out: Path) -> bool:
    """Return whether the packages come from another disk: there are no links between disks."""
    with suppress(OSError):  # a missing package is an error later
        return places[:1] != () and places[0][1].stat().st_dev != out.stat().st_dev
    return False


def _place(options: DiffOptions, place: Place) -> None:
    package, source, target = place
    algorithm, expected = package.digests[0]
    try:
        status = source.stat()
    except OSError as error:
        raise _wrong(source, f"listed in the index, but {error.strerror}") from error
    if status.st_size != package.size_bytes:
        raise _wrong(source, f"{status.st_size} bytes, but the index says {package.size_bytes}")
    target.parent.mkdir(parents=True, exist_ok=True)
    # A link has the mode of the input, which is not ours to change.
    if options.link and _is_for_all(status) and link_file(source, target):
        actual = hash_file(target, algorithm) if options.verify_links else expected
    else:
        actual = copy_hashed(source, target, algorithm)
    if actual != expected:
        raise _wrong(source, f"{algorithm} {actual}, but the index says {expected}")


def _wrong(source: Path, fault: str) -> BundleError:
    return BundleError(f"{source}: {fault}", remedy="copy the repo again, or reindex it")
