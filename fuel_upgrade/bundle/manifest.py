"""The paths in an upgrade tarball, and the descriptions in it."""

import posixpath
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

from fuel_upgrade.errors import BundleError
from fuel_upgrade.release.version_grammar import fuel_version, release_version
from fuel_upgrade.repo.apt.suite_path import suite_fault
from fuel_upgrade.repo.description import MAX_NUMBER, DiffDescription
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.system.archive import climbs_behind_a_name
from fuel_upgrade.system.yaml_text import dump_yaml, load_yaml

FORMAT = 1
VENV_FORMAT = 2  # of a tarball with venvs: versions that know only 1 would leave them out
ARCHITECTURE = "x86_64"  # of Fuel masters and nodes
SEAL = "upgrade/seal/targets.json"
CONFIG = "upgrade/config/"
VERSION = CONFIG + "version.yaml"
UPGRADE = CONFIG + "upgrade.yaml"
METADATA = "upgrade/releases/metadata.yaml"
RELEASES = "upgrade/releases/"
RELEASE_VERSIONS = "upgrade/release_versions/"
REPOS = "upgrade/repos/"
PUPPET = "upgrade/puppet/"
VENVS = "upgrade/venvs/"
VENV_INDEX = "venvs.json"
VENV_BLOBS = "blobs"
SCRIPT = "upgrade.sh"
INSTALLER = "upgrade/installer/"
_HEAD_FOLDERS = ("upgrade/seal/", CONFIG, RELEASES, RELEASE_VERSIONS)
_REPO_DEPTH = 5  # upgrade/repos/<version>/<os>/<architecture>
_PUPPET_DEPTH = 3  # upgrade/puppet/<version>
_OF_A_RELEASE = ((PUPPET, "", True), (RELEASE_VERSIONS, ".yaml", False))
_OS_KEY = re.compile("[a-z][a-z0-9]{0,29}")
_IN_VENVS = re.compile(f"{VENV_INDEX}|{VENV_BLOBS}/[0-9a-f]{{64}}")


@dataclass(frozen=True, slots=True)
class RepoPart:
    """One repo in a tarball. ``base`` is the version of the release it is a diff of, or None.

    ``packages`` and ``size_bytes`` count the packages in the tarball; ``full_packages`` and
    ``full_size_bytes`` those of the whole release.
    """

    version: str
    os_key: str
    kind: RepoKind
    suite: str | None
    components: tuple[str, ...]
    packages: int
    size_bytes: int
    full_packages: int
    full_size_bytes: int
    base: str | None

    @property
    def folder(self) -> str:
        """The path of the repo in the tarball."""
        return repo_folder(self.version, self.os_key)

    @property
    def place(self) -> str:
        """The path of the repo below the master's folder of repos, and below the repo URL."""
        return f"{self.version}/{self.os_key}/{ARCHITECTURE}"

    @property
    def location_suffix(self) -> str:
        """Suite and components, which follow the URL in an apt line; empty for yum."""
        return "".join(f" {word}" for word in (self.suite, *self.components) if word)

    def to_json(self) -> dict[str, Any]:
        """Return the form of ``upgrade.yaml`` and ``--json``."""
        return {
            "version": self.version,
            "operating_system": self.os_key,
            "kind": self.kind.value,
            "suite": self.suite,
            "components": list(self.components),
            "packages": self.packages,
            "bytes": self.size_bytes,
            "full_packages": self.full_packages,
            "full_bytes": self.full_size_bytes,
            "base": self.base,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read the form of ``upgrade.yaml``; KeyError, TypeError, ValueError if malformed."""
        part = cls(
            version=release_version(data["version"]),
            os_key=_os_key(data["operating_system"]),
            kind=RepoKind(data["kind"]),
            suite=_suite(data["suite"], data["components"]),
            components=tuple(data["components"]),
            packages=_number(data["packages"]),
            size_bytes=_number(data["bytes"]),
            full_packages=_number(data["full_packages"]),
            full_size_bytes=_number(data["full_bytes"]),
            base=None if data["base"] is None else release_version(data["base"]),
        )
        if (part.kind is RepoKind.APT) != (part.suite is not None):
            raise ValueError(f"a {part.kind.value} repo with suite {part.suite!r}")
        if part.packages > part.full_packages or part.size_bytes > part.full_size_bytes:
            raise ValueError("more packages or bytes in the tarball than in the whole release")
        return part

    def description_fault(self, described: DiffDescription) -> str:
        """Return the contradiction between this repo and its ``diff.yaml``; empty if none."""
        counts = described.counts
        expected = {
            "kind": described.kind,
            "full_packages": counts["carried"] + counts["inherited"],
            "full_size_bytes": described.result_bytes,
        }
        for name, value in expected.items():
            if (stated := getattr(self, name)) != value:
                return f"{name} is {stated} in {UPGRADE}, but {value} here"
        return ""

    def checked(self, *, source: str) -> Self:
        """Return this repo if :meth:`from_json` accepts it.

        Raises:
            BundleError: it does not.
        """
        try:
            return type(self).from_json(self.to_json())
        except ValueError as error:
            raise BundleError(f"{source}: {error}", remedy=f"correct {source}") from error


@dataclass(frozen=True, slots=True)
class UpgradeDescription:
    """The content of ``upgrade.yaml``: the Fuel versions that can be upgraded, and the repos."""

    upgrade_from: tuple[str, ...]
    repos: tuple[RepoPart, ...]
    has_venvs: bool = False

    def render(self) -> str:
        """Return the text of ``upgrade.yaml``."""
        data = {
            "format": VENV_FORMAT if self.has_venvs else FORMAT,
            "upgrade_from": list(self.upgrade_from),
            "repos": [repo.to_json() for repo in self.repos],
        }
        return dump_yaml(data)

    @classmethod
    def parse(cls, text: str, *, source: str) -> Self:
        """Read the text of ``upgrade.yaml``.

        Raises:
            BundleError: it is malformed, or of a later format.
        """
        data = load_yaml(text, source=source)
        try:
            if data["format"] not in (FORMAT, VENV_FORMAT):
                raise BundleError(
                    f"{source}: format {data['format']}, expected {FORMAT} or {VENV_FORMAT}",
                    remedy="upgrade fuel-upgrade on this master first",
                )
            return cls(
                upgrade_from=tuple(map(fuel_version, _list(data["upgrade_from"]))),
                repos=tuple(map(RepoPart.from_json, _list(data["repos"]))),
                has_venvs=data["format"] == VENV_FORMAT,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(
                f"{source}: malformed: {error!r}",
                remedy="build the tarball again with fuel-upgrade bundle build",
            ) from error


def parse_fuel_version(text: str, *, source: str) -> str:
    """Return the Fuel version that a ``version.yaml`` names: ``VERSION: {release: "6.0", ...}``.

    Raises:
        BundleError: it has none.
    """
    data = load_yaml(text, source=source)
    try:
        return fuel_version(data["VERSION"]["release"])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(
            f"{source}: expected VERSION with a release such as '6.0', found {data!r:.200}",
            remedy=f"correct {source}",
        ) from error


def _os_key(value: object) -> str:
    if not isinstance(value, str) or not _OS_KEY.fullmatch(value):
        raise ValueError(f"{value!r:.80} is not an operating system such as ubuntu")
    return value


def _suite(suite: object, components: object) -> str | None:
    """Return the suite of an apt repo, None for yum; ValueError if apt could not read it."""
    names = _list(components)
    if suite is None and not names:
        return None
    if not isinstance(suite, str) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"suite {suite!r:.80}, components {names!r:.80}")
    if fault := suite_fault(suite, tuple(names)):
        raise ValueError(fault)
    return suite


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_NUMBER:
        raise ValueError(f"{value!r:.80} is not a number of packages or bytes")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, found {value!r:.80}")
    return value


def place_fault(path: str, versions: Collection[str], folders: Collection[str]) -> str:
    """Return why a file cannot be installed at its place in the tarball; empty if it can.

    ``versions`` are those of the releases in the tarball, ``folders`` those of their repos. Puppet
    trees and version files are live beside those of the operator.
    """
    for prefix, suffix, depth in _OF_A_RELEASE:
        if path.startswith(prefix):
            version, _, rest = path.removeprefix(prefix).removesuffix(suffix).partition("/")
            has_depth = bool(rest) == bool(depth) and path.endswith(suffix)
            return "" if has_depth and version in versions else "of no release in the tarball"
    if path.startswith(VENVS):
        version, _, rest = path.removeprefix(VENVS).partition("/")
        is_known = version in versions and _IN_VENVS.fullmatch(rest)
        return "" if is_known else "no venv of a release in the tarball"
    if path.startswith(REPOS):
        return "" if unit_of(path) in folders else "of no repo in the tarball"
    return ""


def is_head(path: str) -> bool:
    """Return whether a member belongs to the header of the tarball."""
    is_description = (
        path.startswith(REPOS) and path.count("/") == _REPO_DEPTH and (path.endswith("/diff.yaml"))
    )
    is_index = path.startswith(VENVS) and path.endswith(f"/{VENV_INDEX}")
    return path.startswith(_HEAD_FOLDERS) or path == SCRIPT or is_description or is_index


def is_installer(path: str) -> bool:
    """Return whether a member is the installer of fuel-upgrade, which is not unpacked."""
    return path.startswith(INSTALLER)


def repo_folder(version: str, os_key: str) -> str:
    """Return the path of the repo of a release in the tarball."""
    return f"{REPOS}{version}/{os_key}/{ARCHITECTURE}"


def unit_of(path: str) -> str | None:
    """Return the folder around ``path`` that is switched into place as a unit, or None."""
    if path.startswith(REPOS):
        depth = _REPO_DEPTH
    elif path.startswith(PUPPET):
        depth = _PUPPET_DEPTH
    else:
        return None
    parts = path.split("/")
    return "/".join(parts[:depth]) if len(parts) > depth else None


def link_stays_inside(path: str, target: str) -> bool:
    """Return whether the target of a symbolic link is in the unit of the link."""
    unit = unit_of(path)
    resolved = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    inside = unit is not None and (resolved == unit or resolved.startswith(unit + "/"))
    return inside and not climbs_behind_a_name(target)  # which no reader of archives accepts
