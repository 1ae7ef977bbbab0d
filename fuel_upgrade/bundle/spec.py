"""``bundle.yaml``: from which parts an upgrade tarball is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.release.version_grammar import fuel_version, release_version
from fuel_upgrade.system.yaml_text import load_yaml
from fuel_upgrade.venv.venv_spec import Tag

OPERATING_SYSTEMS = ("ubuntu", "centos")
_TOP_KEYS = {"version_yaml", "upgrade_from", "releases", "installer"}
_RELEASE_KEYS = {"openstack_yaml", "version_yaml", "puppet", "base", "repos", "only", "venvs"}
_VENV_KEYS = {"repo", "tag", "base_repo", "base_tag"}
_TAG: TypeAdapter[str] = TypeAdapter(Tag)


@dataclass(frozen=True, slots=True)
class RepoSpec:
    """One repo: full (``full``), a ready diff repo (``diff``), or a pair to make the diff from."""

    full: Path | None = None
    diff: Path | None = None
    base: Path | None = None
    current: Path | None = None


@dataclass(frozen=True, slots=True)
class VenvsSpec:
    """The venvs of one tag in a built repo; ``base`` is the repo and the tag of the base's."""

    repo: Path
    tag: str
    base: tuple[Path, str] | None = None


@dataclass(frozen=True, slots=True)
class ReleaseSpec:
    """One openstack bundle. ``base`` is the version that its diff repos build on, or None.

    ``puppet`` is a folder or archive with ``modules`` and ``manifests``; ``only`` names the
    operating systems to register, or is empty for all that ``openstack.yaml`` describes.
    """

    openstack_yaml: Path
    version_yaml: Path
    puppet: Path | None
    base: str | None
    repos: Mapping[str, RepoSpec]
    only: tuple[str, ...]
    venvs: VenvsSpec | None = None


@dataclass(frozen=True, slots=True)
class BundleSpec:
    """A tarball: ``version.yaml`` of the new Fuel version, the versions it upgrades, its releases.

    ``installer`` is the installer file of fuel-upgrade to include, or None.
    """

    version_yaml: Path
    upgrade_from: tuple[str, ...]
    releases: tuple[ReleaseSpec, ...]
    installer: Path | None = None


def parse_spec(text: str, *, source: Path) -> BundleSpec:
    """Read ``bundle.yaml``; paths in it are relative to its own folder.

    Raises:
        ConfigError: the file has faults; the error names all of them.
    """
    try:
        data = load_yaml(text, source=str(source))
    except BundleError as error:
        raise ConfigError(error.what, remedy=f"correct {source}") from error
    reader = _Reader(source.parent)
    spec = reader.bundle(data)
    if reader.faults:
        raise ConfigError(
            f"{source}: " + "; ".join(reader.faults),
            remedy=f"correct {source}; docs/bundles.rst describes its form",
        )
    return spec


def _is(grammar: Callable[[object], str], value: object) -> bool:
    try:
        return bool(grammar(value))
    except ValueError:
        return False


class _Reader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.faults: list[str] = []

    def bundle(self, data: object) -> BundleSpec:
        top = self._map(data, "the file", _TOP_KEYS)
        versions = top.get("upgrade_from")
        if (
            not versions
            or not isinstance(versions, list)
            or not all(_is(fuel_version, v) for v in versions)
        ):
            self.faults.append('upgrade_from: expected a list of quoted versions, such as ["5.1"]')
            versions = []
        releases = top.get("releases")
        if not isinstance(releases, list) or not releases:
            self.faults.append("releases: expected a list of at least one release")
            releases = []
        return BundleSpec(
            version_yaml=self._path(top, "version_yaml", ""),
            upgrade_from=tuple(versions),
            releases=tuple(
                self._release(item, f"releases[{index}]") for index, item in enumerate(releases)
            ),
            installer=self._path(top, "installer", "") if "installer" in top else None,
        )

    def _release(self, data: object, where: str) -> ReleaseSpec:
        item = self._map(data, where, _RELEASE_KEYS)
        repos = self._map(item.get("repos"), f"{where}.repos", set(OPERATING_SYSTEMS))
        base = item.get("base")
        if base is not None and not _is(release_version, base):
            self.faults.append(f"{where}.base: expected a quoted version, found {base!r}")
        repos = {
            name: self._repo(part, f"{where}.repos.{name}", diff=base is not None)
            for name, part in repos.items()
        }
        return ReleaseSpec(
            openstack_yaml=self._path(item, "openstack_yaml", where),
            version_yaml=self._path(item, "version_yaml", where),
            puppet=self._path(item, "puppet", where) if "puppet" in item else None,
            base=None if base is None else str(base),
            repos=repos,
            only=self._only(item.get("only") or [], f"{where}.only"),
            venvs=self._venvs(item, f"{where}.venvs") if "venvs" in item else None,
        )

    def _venvs(self, item: Mapping[str, Any], where: str) -> VenvsSpec:
        part = self._map(item["venvs"], where, _VENV_KEYS)
        spec = VenvsSpec(self._path(part, "repo", where), self._tag(part, "tag", where))
        if not part.keys() & {"base_repo", "base_tag"}:
            return spec
        base_repo = self._path(part, "base_repo", where) if "base_repo" in part else spec.repo
        base_tag = self._tag(part, "base_tag", where) if "base_tag" in part else spec.tag
        if item.get("base") is None:
            self.faults.append(f"{where}: a base of the venvs, but the release has no base")
        elif (base_repo, base_tag) == (spec.repo, spec.tag):
            self.faults.append(f"{where}: the venvs are their own base")
        return replace(spec, base=(base_repo, base_tag))

    def _tag(self, data: Mapping[str, Any], key: str, where: str) -> str:
        try:
            return _TAG.validate_python(data.get(key), strict=True)
        except ValidationError:
            self.faults.append(f"{where}.{key}: expected a quoted tag, found {data.get(key)!r}")
            return ""

    def _only(self, data: object, where: str) -> tuple[str, ...]:
        if not isinstance(data, list):
            self.faults.append(f"{where}: expected a list such as [ubuntu], found {data!r}")
            return ()
        return tuple(str(name).lower() for name in data)

    def _repo(self, data: object, where: str, *, diff: bool) -> RepoSpec:
        part = self._map(data, where, {"full", "diff", "base", "current"})
        allowed = ({"diff"}, {"base", "current"}) if diff else ({"full"},)
        if set(part) not in allowed:
            expected = "'diff', or 'base' and 'current'" if diff else "'full' (no base is named)"
            self.faults.append(f"{where}: expected {expected}, found {sorted(part)}")
            return RepoSpec()
        return RepoSpec(**{name: self._path(part, name, where) for name in part})

    def _map(self, data: object, where: str, known: set[str]) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.faults.append(f"{where}: expected a map with {', '.join(sorted(known))}")
            return {}
        self.faults.extend(f"{where}: unknown key {key!r}" for key in data if key not in known)
        return {key: value for key, value in data.items() if key in known}

    def _path(self, data: Mapping[str, Any], key: str, where: str) -> Path:
        value = data.get(key)
        if not isinstance(value, str) or not value:
            self.faults.append(f"{where}.{key}".lstrip(".") + f": expected a path, found {value!r}")
            return self._folder
        path = self._folder / value
        if not path.exists():
            self.faults.append(f"{where}.{key}".lstrip(".") + f": {path} does not exist")
        return path
