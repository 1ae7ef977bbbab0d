"""Groups, modules and advisories of a yum repo."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from xml.parsers.expat import ExpatError, ParserCreate

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.description import CURRENT_FOLDER, is_diff_repo
from fuel_upgrade.repo.package import Package
from fuel_upgrade.repo.yum.advisories import (
    merge_advisories,
    read_advisories,
    render_advisories,
    select_advisories,
)
from fuel_upgrade.repo.yum.createrepo import UpdateRecord
from fuel_upgrade.repo.yum.metadata import YumMetadata
from fuel_upgrade.repo.yum.modules import (
    ModuleDocument,
    merge_modules,
    parse_modules,
    render_modules,
    select_modules,
)
from fuel_upgrade.repo.yum.repomd import unpacked

_T = TypeVar("_T")
NO_GROUPS = b'<?xml version="1.0" encoding="UTF-8"?>\n<comps/>\n'


@dataclass(frozen=True, slots=True)
class Extras:
    """``groups`` is the text of ``comps.xml``, None if the repo has none."""

    groups: bytes | None = None
    modules: tuple[ModuleDocument, ...] = ()
    advisories: tuple[UpdateRecord, ...] = ()

    def render(self) -> dict[str, bytes]:
        """Return the files by their kind in ``repomd.xml``, without empty ones."""
        files: dict[str, bytes] = {}
        if self.groups is not None:
            files["group"] = self.groups
        if self.modules:
            files["modules"] = render_modules(self.modules)
        if self.advisories:
            files["updateinfo"] = render_advisories(self.advisories)
        return files


@dataclass(frozen=True, slots=True)
class BaseExtras:
    """The extras of a base: ``own`` of its own repo, ``release`` of its whole release.

    ``release`` is None if the base is a diff repo without original indexes.
    """

    own: Extras
    release: Extras | None

    @property
    def may_have_groups(self) -> bool:
        """Whether nodes with only the base may have groups."""
        return (
            self.release is None or self.own.groups is not None or self.release.groups is not None
        )


def read_extras(repo: YumMetadata) -> Extras:
    """Read the extras of ``repo``. One that cannot be read counts as none."""
    return Extras(
        _readable(repo, "group", _read_groups),
        _readable(repo, "modules", _read_modules) or (),
        _readable(repo, "updateinfo", read_advisories) or (),
    )


def _readable(repo: YumMetadata, kind: str, read: Callable[[Path], _T]) -> _T | None:
    with suppress(BundleError):
        return read(repo.extras[kind]) if kind in repo.extras else None
    return None


def _read_groups(path: Path) -> bytes:
    """Return the text of ``comps.xml``, which is not parsed beyond its form.

    Raises:
        BundleError: it is missing, or no well-formed XML.
    """
    text = unpacked(path)
    try:
        ParserCreate().Parse(text, True)  # noqa: FBT003 - its form
    except (ExpatError, LookupError, ValueError) as error:  # the last two: of its encoding
        raise BundleError(
            f"{path}: {error}", remedy="rebuild the metadata with createrepo_c --groupfile"
        ) from error
    return text


def _read_modules(path: Path) -> tuple[ModuleDocument, ...]:
    return parse_modules(unpacked(path).decode(errors="replace"), source=str(path))


def find_unreadable(repo: YumMetadata) -> tuple[str, ...]:
    """Return the listed files beside primary that cannot be read, as ``KIND PATH: FAULT``."""
    faults: list[str] = []
    for kind, path in (repo.metadata | repo.extras).items():
        if fault := _fault(repo, kind, path):
            fault = fault.removeprefix(f"{path}: ")
            if not path.is_file():
                fault = "missing, but repomd.xml lists it"
            faults.append(f"{kind} {path.relative_to(repo.root)}: {fault}")
    return tuple(faults)


def _fault(repo: YumMetadata, kind: str, path: Path) -> str:
    """Return the fault of a file; what was parsed already is not parsed again."""
    if kind in repo.faults:
        return repo.faults[kind]
    try:
        if kind in _READERS:
            _READERS[kind](path)
        else:
            repo.parse(kind, lambda _: None)
    except BundleError as error:
        return error.what
    return ""


_READERS: Mapping[str, Callable[[Path], object]] = {
    "group": _read_groups,
    "modules": _read_modules,
    "updateinfo": read_advisories,
}


def read_base_extras(base: YumMetadata) -> BaseExtras:
    """Read the extras of ``base``; those of a diff repo's release are in its original indexes.

    Raises:
        BundleError: as ``YumMetadata.read``.
    """
    own = read_extras(base)
    if not is_diff_repo(base.root):
        return BaseExtras(own, own)
    original = base.root / CURRENT_FOLDER
    if not (original / "repodata/repomd.xml").is_file():
        return BaseExtras(own, None)
    return BaseExtras(own, read_extras(YumMetadata.read(original)))


def select_extras(current: Extras, base: BaseExtras, carried: Sequence[Package]) -> Extras:
    """Select the extras of the diff repo of ``current`` with the packages ``carried``.

    Groups are always complete: package managers merge those of several repos, so nodes read them
    from the diff repo only. An empty file shows that the release has none.
    """
    groups = NO_GROUPS if current.groups is None and base.may_have_groups else current.groups
    known = (*base.own.modules, *(base.release.modules if base.release else ()))
    modules = select_modules(current.modules, base.own.modules, known, set(map(_artifact, carried)))
    keys = {package.key for package in carried}
    return Extras(groups, modules, select_advisories(current.advisories, base.own.advisories, keys))


def _artifact(package: Package) -> str:
    version = package.version if ":" in package.version else f"0:{package.version}"
    return f"{package.name}-{version}.{package.architecture}"


def merge_extras(parts: Iterable[Extras]) -> Extras:
    """Merge the extras of a chain, newest first, as nodes do."""
    listed = list(parts)
    return Extras(
        next((one.groups for one in listed if one.groups is not None), None),
        merge_modules(one.modules for one in listed),
        merge_advisories(one.advisories for one in listed),
    )
