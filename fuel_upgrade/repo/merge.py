"""Indexes of a whole release made from those of its parts, where it does not carry its own."""

import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import createrepo_c

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt import AptRepo
from fuel_upgrade.repo.apt_write import IndexChoice, write_apt_indexes
from fuel_upgrade.repo.compare import Repo
from fuel_upgrade.repo.yum import METADATA, YumRepo


@dataclass(frozen=True, slots=True)
class Part:
    """One repo of a chain, and the locations of those of its packages that the release has."""

    repo: Repo
    locations: frozenset[str]


def write_merged(parts: Sequence[Part], out: Path, *, label: str) -> None:
    """Write one repo's indexes below ``out`` from the entries of ``parts``, newest first.

    The entries are unchanged. An apt package keeps the component that its part lists it in.
    """
    newest = parts[0].repo
    if isinstance(newest, AptRepo):
        _write_apt(newest, parts, out, label)
    else:
        _write_yum([p for p in parts if isinstance(p.repo, YumRepo)], out)


def _write_apt(newest: AptRepo, parts: Sequence[Part], out: Path, label: str) -> None:
    repos = [part.repo for part in parts if isinstance(part.repo, AptRepo)]
    merged = replace(
        newest,
        components=tuple(dict.fromkeys(c for repo in repos for c in repo.components)),
        architectures=tuple(dict.fromkeys(a for repo in repos for a in repo.architectures)),
    )
    entries = [
        entry
        for part in parts
        if isinstance(part.repo, AptRepo)
        for entry in part.repo.iter_entries()
        if entry.package.location in part.locations
    ]
    choice = IndexChoice(translations=False)  # those of the bases are not at hand by component
    write_apt_indexes(merged, entries, out, label=label, choice=choice)


def _write_yum(parts: Sequence[Part], out: Path) -> None:
    folder = out / "repodata"
    folder.mkdir(parents=True)
    paths = {kind: folder / f"{kind}.xml.gz" for kind in METADATA}
    total = sum(len(part.locations) for part in parts)
    files = [
        make(str(path), createrepo_c.GZ_COMPRESSION)
        for make, path in zip(
            (createrepo_c.PrimaryXmlFile, createrepo_c.FilelistsXmlFile, createrepo_c.OtherXmlFile),
            paths.values(),
            strict=True,
        )
    ]
    for file in files:
        file.set_num_of_pkgs(total)
    timestamp = 0
    for part in parts:
        if isinstance(part.repo, YumRepo):
            timestamp = max(timestamp, part.repo.timestamp)
            _add_entries(part.repo, part.locations, files)
    for file in files:
        file.close()
    _write_repomd(folder, paths, timestamp)


def _add_entries(
    repo: YumRepo, locations: Collection[str], files: Sequence[createrepo_c.XmlFile]
) -> None:
    for package in createrepo_c.PackageIterator(*(str(repo.metadata[k]) for k in METADATA)):
        if posixpath.normpath(package.location_href) in locations:
            for file in files:
                file.add_pkg(package)


def _write_repomd(folder: Path, paths: dict[str, Path], timestamp: int) -> None:
    repomd = createrepo_c.Repomd()
    repomd.set_revision(str(timestamp))  # from the input: the same input gives the same bytes
    for kind, path in paths.items():
        record = createrepo_c.RepomdRecord(kind, str(path))
        record.fill(createrepo_c.SHA256)
        record.timestamp = timestamp
        record.rename_file()
        repomd.set_record(record)
    (folder / "repomd.xml").write_text(repomd.xml_dump(), encoding="utf-8")


def refuse_one_place(location: str, root: Path) -> BundleError:
    """Return the error for two packages of a release that would lie at one place."""
    return BundleError(
        f"{root}/{location}: two packages of the release have this place",
        remedy="make the diff repo again, so that it carries the current repo's own indexes",
    )
