"""``bundle.yaml`` for the artifacts of build jobs, which have the names of the 6.0 build system.

The folder of a build has ``openstack.yaml``, ``version.yaml``, maybe ``puppet.tgz``, and for each
operating system ``<system>-repo.tar`` or ``diff-<system>-repo-<version>-<base>.tar``.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.release.fixture import parse_fixture
from fuel_upgrade.release.model import Release
from fuel_upgrade.release.version_grammar import fuel_version


@dataclass(frozen=True, slots=True)
class BuiltVersion:
    """A Fuel version to pack: as a diff of ``base``, or whole if that is None."""

    version: str
    base: str | None

    @classmethod
    def parse(cls, text: str) -> "BuiltVersion":
        """Read ``NEW:BASE``, or ``NEW`` for a whole one.

        Raises:
            ConfigError: a version is malformed.
        """
        version, colon, base = text.partition(":")
        try:
            return cls(fuel_version(version), fuel_version(base) if colon else None)
        except ValueError as error:
            raise ConfigError(f"{text!r}: {error}", remedy="name NEW:BASE, or NEW") from error


@dataclass(frozen=True, slots=True)
class Builds:
    """The folders of builds: that of the ``current`` version, and ``others/<version>``."""

    current: str
    artifacts: Path
    others: Path

    def folder(self, version: str) -> Path:
        """Return the folder of a version."""
        return self.artifacts if version == self.current else self.others / version


def compose(
    versions: Sequence[BuiltVersion],
    builds: Builds,
    *,
    upgrade_from: Sequence[str] = (),
    only: Sequence[str] = (),
    beside: Path | None = None,
) -> dict[str, Any]:
    """Return a ``bundle.yaml`` with absolute paths, or with paths relative to ``beside``.

    ``upgrade_from`` is by default every version and base but the current one; ``only`` has the
    operating systems, by default all that ``openstack.yaml`` describes.

    Raises:
        ConfigError: artifacts are missing or malformed; the error names all of them.
    """
    composer = _Composer(builds, only, beside)
    releases = [composer.release(built) for built in versions]
    known = [name for built in versions for name in (built.base, built.version) if name]
    earlier = list(upgrade_from) or [n for n in dict.fromkeys(known) if n != builds.current]
    if not earlier:
        composer.faults.append("no version to upgrade from is known")
    if len({built.version for built in versions}) < len(versions):
        composer.faults.append("a version is listed twice")
    version_yaml = composer.existing(builds.folder(builds.current) / "version.yaml")
    if composer.faults:
        raise ConfigError(
            "; ".join(dict.fromkeys(composer.faults)),
            remedy="build the missing artifacts, or correct the list of versions",
        )
    return {"version_yaml": version_yaml, "upgrade_from": earlier, "releases": releases}


class _Composer:
    def __init__(self, builds: Builds, only: Sequence[str], beside: Path | None) -> None:
        self._builds = builds
        self._only = only
        self._beside = beside
        self.faults: list[str] = []

    def release(self, built: BuiltVersion) -> dict[str, Any]:
        folder = self._builds.folder(built.version)
        systems = self._only or sorted({release.os_key for release in self._described(folder)})
        release: dict[str, Any] = {
            "openstack_yaml": self._place(folder / "openstack.yaml"),
            "version_yaml": self.existing(folder / "version.yaml"),
            "repos": {system: self._repo(folder, system, built) for system in systems},
        }
        if (folder / "puppet.tgz").exists():
            release["puppet"] = self._place(folder / "puppet.tgz")
        if self._only:
            release["only"] = list(self._only)
        if built.base is not None:
            release["base"] = self._release_version(self._builds.folder(built.base))
        return release

    def existing(self, path: Path) -> str:
        if not path.exists():
            self.faults.append(f"{path} does not exist")
        return self._place(path)

    def _place(self, path: Path) -> str:
        return os.path.relpath(path, self._beside) if self._beside else str(path.absolute())

    def _repo(self, folder: Path, system: str, built: BuiltVersion) -> dict[str, str]:
        if built.base is None:
            return {"full": self.existing(folder / f"{system}-repo.tar")}
        name = f"diff-{system}-repo-{built.version}-{built.base}.tar"
        return {"diff": self.existing(folder / name)}

    def _described(self, folder: Path) -> tuple[Release, ...]:
        path = folder / "openstack.yaml"
        try:
            return parse_fixture(path.read_text(encoding="utf-8"), source=str(path))
        except (OSError, UnicodeDecodeError) as error:
            self.faults.append(f"{path}: {getattr(error, 'strerror', error)}")
        except BundleError as error:
            self.faults.append(error.what)
        return ()

    def _release_version(self, folder: Path) -> str:
        versions = sorted({release.version for release in self._described(folder)})
        if len(versions) > 1:
            self.faults.append(f"{folder}: releases of several versions: {', '.join(versions)}")
        return versions[0] if versions else ""
