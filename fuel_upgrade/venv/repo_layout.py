"""The published files of a repo server, as a function of its index. Pure.

The folders are those of the repo server of OpenStack-Ansible in 2016, so that its consumers work:
``venvs``, ``os-releases``, ``pools`` and ``links``. A path holds a blob (a wheel or an archive,
named by its SHA-256), a text, or a link.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from operator import attrgetter
from posixpath import dirname, relpath

from fuel_upgrade.venv.venv_index import VenvEntry, VenvIndex, Wheel


@dataclass(frozen=True, slots=True)
class Blob:
    """A file of the store, by its SHA-256."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link; ``target`` is relative to the folder of the link."""

    target: str


Content = Blob | Link | str


def lay_out(index: VenvIndex) -> dict[str, Content]:
    """Return the content of every path, relative to the root of the repo."""
    files: dict[str, Content] = {"venvs/index.json": index.to_text()}
    for wheel in _wheels(index.entries):
        files[_pool_path(wheel)] = Blob(wheel.sha256)
    for tag, entries in _grouped(index.entries, attrgetter("tag")).items():
        venvs = _names_of_2016(entries)
        for entry in entries:
            venvs.update(_venv_files(entry))
        files.update(venvs)
        files.update(_release_files(f"os-releases/{tag}", entries, venvs))
    files.update(_linked("links", _agreed(index.entries)))
    return files


def _grouped(
    entries: Iterable[VenvEntry], key: Callable[[VenvEntry], str]
) -> dict[str, list[VenvEntry]]:
    groups: dict[str, list[VenvEntry]] = defaultdict(list)
    for entry in entries:
        groups[key(entry)].append(entry)
    return groups


def archive_path(entry: VenvEntry) -> str:
    """Return the path of an archive by its digest: its content never changes."""
    return f"{_folder(entry)}/{entry.service}-{entry.tag}-{entry.archive.sha256[:16]}.tgz"


def entry_path(entry: VenvEntry) -> str:
    """Return the path of the small file that a host asks for."""
    return f"{_folder(entry)}/{entry.service}-{entry.tag}.json"


def entry_text(entry: VenvEntry) -> str:
    """Return the content of that file: digests and requirements, without the wheels."""
    data = {**entry.to_json(), "archive_path": f"/{archive_path(entry)}"}
    for long in ("wheels", "requirements", "constraints", "releases"):
        del data[long]
    return json.dumps(data, separators=(",", ":")) + "\n"


def _folder(entry: VenvEntry) -> str:
    return f"venvs/{entry.tag}/{entry.platform}"


def _venv_files(entry: VenvEntry) -> dict[str, Content]:
    named = f"{_folder(entry)}/{entry.service}-{entry.tag}"
    archive = archive_path(entry)
    return {
        archive: Blob(entry.archive.sha256),
        f"{named}.tgz": Link(archive.rsplit("/", 1)[1]),
        f"{named}.checksum": f"{entry.archive.sha1}\n",
        entry_path(entry): entry_text(entry),
    }


def _names_of_2016(entries: Iterable[VenvEntry]) -> dict[str, Content]:
    """Return ``venvs/<tag>/<distribution>/``, where a distribution has one platform only."""
    platforms = defaultdict(set)
    for entry in entries:
        platforms[entry.tag, entry.platform.split("-")[0]].add(entry.platform)
    return {
        f"venvs/{tag}/{distribution}": Link(names.pop())
        for (tag, distribution), names in platforms.items()
        if len(names) == 1
    }


def _wheels(entries: Iterable[VenvEntry]) -> list[Wheel]:
    return list({wheel.sha256: wheel for entry in entries for wheel in entry.wheels}.values())


def _pool_path(wheel: Wheel) -> str:
    """Return the path of a wheel; the digest keeps wheels of one name from two platforms apart."""
    return f"pools/{wheel.package.lower()}/{wheel.sha256[:16]}/{wheel.file}"


def _agreed(entries: Iterable[VenvEntry]) -> list[Wheel]:
    """Return the wheels whose name has one content: a wheel of another system must not be taken."""
    named: dict[str, dict[str, Wheel]] = defaultdict(dict)
    for wheel in _wheels(entries):
        named[wheel.file][wheel.sha256] = wheel
    return [next(iter(same.values())) for _, same in sorted(named.items()) if len(same) == 1]


def _linked(folder: str, wheels: Iterable[Wheel]) -> dict[str, Content]:
    files: dict[str, Content] = {}
    for wheel in wheels:
        path = f"{folder}/{wheel.file}"
        files[path] = Link(relpath(_pool_path(wheel), dirname(path)))
    files[f"{folder}/index.html"] = _html(sorted(path.rsplit("/", 1)[1] for path in files))
    return files


def _html(names: Iterable[str]) -> str:
    lines = "\n".join(f'<a href="{escape(name)}">{escape(name)}</a><br/>' for name in names)
    return f"<!DOCTYPE html>\n<html><body>\n{lines}\n</body></html>\n"


def _release_files(
    folder: str, entries: list[VenvEntry], venvs: Iterable[str]
) -> dict[str, Content]:
    files = {**_linked(folder, _agreed(entries)), **_requirement_files(folder, entries)}
    for platform, own in sorted(_grouped(entries, attrgetter("platform")).items()):
        files.update(_linked(f"{folder}/{platform}", _wheels(own)))
        files.update(_requirement_files(f"{folder}/{platform}", own))
    manifest = [path for path in files if path.endswith(".whl")]
    manifest += [_pool_path(wheel) for wheel in _wheels(entries)]
    files[f"{folder}/MANIFEST.in"] = "".join(f"{path}\n" for path in sorted([*manifest, *venvs]))
    return files


def _requirement_files(folder: str, entries: list[VenvEntry]) -> dict[str, Content]:
    """Return the four requirements files of 2016."""
    exact = {f"{wheel.package}=={wheel.version}" for wheel in _wheels(entries)}
    asked = {text for entry in entries for text in entry.requirements}
    limits = {text for entry in entries for text in entry.constraints}
    texts = {
        "absolute_requirements": exact,
        "global_requirements": asked,
        "local_filtered": asked,
        "constraints": limits,
    }
    return {
        f"{folder}/requirements_{name}.txt": "".join(f"{line}\n" for line in sorted(lines))
        for name, lines in texts.items()
    }
