"""Wheels: choosing the best of a lock, and the lowest glibc that a wheel needs. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.pylock import Pylock, PylockValidationError
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from fuel_upgrade.errors import ConfigError, OutsideError

_MANYLINUX = re.compile(r"^manylinux_(\d+)_(\d+)_")
_OLD_MANYLINUX = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file of a lock: a wheel, or a source archive to build one from; ``sha256`` is in hex."""

    package: str
    version: str
    name: str
    url: str
    sha256: str
    is_wheel: bool


def choose_artifacts(lock: Mapping[str, Any], tags: Sequence[str]) -> tuple[Artifact, ...]:
    """Choose for each package of a ``pylock.toml`` (PEP 751) the best wheel, or its source archive.

    ``tags`` are those of the interpreter, the best first.

    Raises:
        OutsideError: the lock is malformed.
        ConfigError: packages have no file that fits; all of them are named.
    """
    try:
        packages = Pylock.from_dict(lock).packages
    except PylockValidationError as error:
        raise OutsideError(
            f"the resolver wrote an invalid pylock.toml: {error}", remedy="update uv and try again"
        ) from error
    rank = {tag: place for place, tag in enumerate(tags)}
    chosen, faults = [], []
    for package in packages:
        files = [*(package.wheels or ()), *([package.sdist] if package.sdist else ())]
        best = min(files, key=lambda file: _rank(_file_name(file), rank), default=None)
        name = _file_name(best) if best else ""
        if best is None or _rank(name, rank) == _UNFIT or "sha256" not in best.hashes:
            faults.append(
                f"{package.name} {package.version}: no wheel and no source with a SHA-256"
            )
            continue
        chosen.append(
            Artifact(
                package.name,
                str(package.version),
                name,
                best.url or str(best.path),
                best.hashes["sha256"],
                name.endswith(".whl"),
            )
        )
    if faults:
        raise ConfigError(
            "; ".join(faults),
            remedy="constrain these to versions that have wheels for this interpreter, or sources",
            failures=faults,
        )
    return tuple(chosen)


_SOURCE, _UNFIT = 1 << 30, 1 << 31


def _rank(name: str, rank: Mapping[str, int]) -> int:
    if not name.endswith(".whl"):
        return _SOURCE
    try:
        tags = parse_wheel_filename(name)[3]
    except InvalidWheelFilename:
        return _UNFIT
    return min((rank[str(tag)] for tag in tags if str(tag) in rank), default=_UNFIT)


def _file_name(file: Any) -> str:
    return file.name or unquote(urlsplit(file.url or str(file.path)).path).rsplit("/", 1)[-1]


def lowest_glibc(wheel_names: Iterable[str], *, builder: str) -> str:
    """Return the lowest glibc version under which all wheels work, or "" if none needs glibc.

    A wheel without a manylinux tag (PEP 600) was built here and needs the glibc of the builder.
    """
    needed = [version for name in wheel_names if (version := _glibc(name, builder)) is not None]
    return ".".join(map(str, max(needed))) if needed else ""


def _glibc(name: str, builder: str) -> tuple[int, ...] | None:
    platforms = {tag.platform for tag in parse_wheel_filename(name)[3]}
    if platforms == {"any"}:
        return None
    versions = []
    for tag in platforms:
        old = _OLD_MANYLINUX.get(tag.split("_")[0])
        if old or (match := _MANYLINUX.match(tag)):
            versions.append(old or tuple(map(int, match.groups())))  # type: ignore[union-attr]
    return min(versions) if versions else tuple(map(int, builder.split(".")))
