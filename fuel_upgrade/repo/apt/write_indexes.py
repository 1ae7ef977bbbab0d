"""Write the indexes of an apt repo, made from those of another one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from fuel_upgrade.repo.apt.index_files import (
    FASTEST_FIRST,
    USUAL,
    choose_form,
    present_forms,
    read_batches,
    read_lines,
    write_forms,
)
from fuel_upgrade.repo.apt.other_indexes import (
    Extra,
    ExtraKind,
    description_md5,
    filter_contents,
    filter_translations,
    find_extras,
    is_chosen,
)
from fuel_upgrade.repo.apt.release_file import is_true, read_release
from fuel_upgrade.repo.apt.stanza import FileSums, render_packages, render_release
from fuel_upgrade.repo.apt.suite import AptSuite
from fuel_upgrade.repo.apt.suite_path import index_path, index_stem, is_flat
from fuel_upgrade.repo.repo import Entry, IndexChoice, IndexName
from fuel_upgrade.system.files import copy_hashed, hash_file, link_file

BY_HASH = "Acquire-By-Hash"
_KEPT_FIELDS = (
    "Origin",
    "Suite",
    "Version",
    "Codename",
    "Date",
    "NotAutomatic",
    "ButAutomaticUpgrades",
    BY_HASH,
    "Description",
)


def write_apt_indexes(
    repo: AptSuite,
    entries: Iterable[Entry],
    out: Path,
    *,
    label: str,
    choice: IndexChoice | None = None,
) -> None:
    """Write complete indexes for ``entries`` below ``out``: every component and architecture.

    Each entry is read once; those of an index must follow each other.
    The fields that pins match (apt_preferences(5)) are those of ``repo``, except for the label,
    by which pins distinguish the repo from its base. The forms are the usual ones and those of
    ``repo``.
    """
    chosen = choice or IndexChoice()
    folder = out / index_path(repo.suite)
    folder.mkdir(parents=True, exist_ok=True)
    extras = [e for e in find_extras(repo.folder, repo.components) if is_chosen(e, chosen)]
    keys = _Keys()
    files: dict[str, FileSums] = {}
    forms, empty = _forms(repo), dict.fromkeys(repo.index_names)
    for place, group in groupby(keys.noted(entries) if extras else entries, attrgetter("index")):
        del empty[place]  # KeyError if its entries do not follow each other
        texts = (render_packages([entry.stanza]) for entry in group)
        files |= write_forms(folder, index_stem(*place), texts, forms)
    for place in empty:
        files |= write_forms(folder, index_stem(*place), (), forms)
    files |= _write_extras(repo, extras, folder, keys)
    by_hash = is_by_hash(repo) if chosen.by_hash is None else chosen.by_hash
    if by_hash:
        add_by_hash(folder, files)
    fields = _release_fields(repo, label, by_hash=by_hash)
    (folder / "Release").write_bytes(render_release(fields, files))


def is_by_hash(repo: AptSuite) -> bool:
    """Return whether apt fetches the indexes of a repo by checksum."""
    return is_true(repo.release.get(BY_HASH))


def add_by_hash(
    folder: Path, names: Iterable[str], algorithms: Iterable[str] = ("sha256",)
) -> None:
    """Link the existing indexes of a suite under the names of their checksums.

    apt uses the best algorithm in ``Release``, and falls back on plain names.
    """
    for algorithm in algorithms:
        for path in (folder / name for name in names if (folder / name).is_file()):
            named = path.parent / "by-hash" / algorithm.upper() / hash_file(path, algorithm)
            named.parent.mkdir(parents=True, exist_ok=True)
            if not named.exists() and not link_file(path, named):
                copy_hashed(path, named, algorithm)


def _forms(repo: AptSuite) -> tuple[str, ...]:
    present = {s for index in repo.indexes for s in present_forms(index.path.parent, "Packages")}
    return tuple(suffix for suffix in FASTEST_FIRST if suffix in {*USUAL, *present})


def _write_extras(
    repo: AptSuite, extras: Collection[Extra], out: Path, keys: "_Keys"
) -> dict[str, FileSums]:
    """Write the parts of these indexes that concern the entries; return their sums."""
    folder = repo.folder
    listed = read_release(folder).listed if extras else {}
    files: dict[str, FileSums] = {}
    for extra in extras:
        source = choose_form(folder, extra.stem, listed)
        if source is None:
            continue  # exists only in a form that Release does not list: apt ignores it too
        texts = _filtered(extra, source, keys)
        written = write_forms(out, extra.stem, texts, present_forms(folder, extra.stem))
        if written[extra.stem].size_bytes:
            files |= written
        else:
            _remove(out, written)
    return files


class _Keys:
    """The keys of the entries in other indexes."""

    def __init__(self) -> None:
        self.descriptions = defaultdict[str, set[bytes]](set)  # by component
        self._names = defaultdict[IndexName, set[bytes]](set)

    def noted(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield entries, and keep their keys."""
        for entry in entries:
            self.descriptions[entry.component].add(description_md5(entry.stanza))
            self._names[entry.index].add(entry.package.name.encode())
            yield entry

    def names(self, extra: Extra) -> set[bytes]:
        return set[bytes]().union(
            *(
                names
                for (component, architecture), names in self._names.items()
                if extra.component in ("", component) and architecture == extra.architecture
            )
        )


def _filtered(extra: Extra, source: Path, keys: _Keys) -> Iterator[bytes]:
    if extra.kind is ExtraKind.TRANSLATIONS:
        return filter_translations(read_batches(source), keys.descriptions[extra.component])
    return filter_contents(read_lines(source), keys.names(extra))


def _remove(folder: Path, names: Iterable[str]) -> None:
    """Remove an empty index: apt does not request files that ``Release`` does not list."""
    for path in (folder / name for name in names):
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _release_fields(repo: AptSuite, label: str, *, by_hash: bool) -> Mapping[str, str]:
    kept = {name: repo.release[name] for name in _KEPT_FIELDS if name in repo.release}
    fields = {"Origin": kept.pop("Origin", "fuel-upgrade"), "Label": label}
    if not is_flat(repo.suite):
        fields["Suite"] = kept.pop("Suite", repo.suite)
        kept.setdefault("Codename", repo.suite)
    kept.pop(BY_HASH, None)
    if by_hash:
        kept[BY_HASH] = "yes"
    fields.update(kept)
    # apt requires a date; without one in the current repo a fixed date keeps output reproducible.
    fields.setdefault("Date", "Thu, 01 Jan 1970 00:00:00 UTC")
    if is_flat(repo.suite):
        return fields
    return fields | {
        "Architectures": " ".join(repo.architectures),
        "Components": " ".join(repo.components),
    }
