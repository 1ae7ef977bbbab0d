"""``index.json`` of a repo server: every published venv, with its wheels and its digests. Pure."""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, FailFast, Field, TypeAdapter, ValidationError

from fuel_upgrade.errors import BundleError, ConfigError, NotFoundError
from fuel_upgrade.venv.interpreter import Requires
from fuel_upgrade.venv.venv_spec import ServiceName, Tag, Unit, absolute, describe_fault

FORMAT = 1
# They become names and lines of published files; an index may come from a tarball.
_Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Size = Annotated[int, Field(ge=0, le=1 << 53)]
_Line = Annotated[str, Field(pattern="^[^\\x00-\\x1f\\x7f]*$")]
_Lines = Annotated[tuple[_Line, ...], FailFast()]
_Folder = Annotated[_Line, AfterValidator(lambda text: str(absolute(Path(text))))]
_Package = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
_WheelFile = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+!-]{0,250}\.whl$")]
_Platform = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_.+~]*(-[a-z0-9_][a-z0-9_.+~]*){2,8}$",
                                 max_length=128)]  # fmt: skip
_Version = Annotated[str, Field(pattern="^[0-9A-Za-z][0-9A-Za-z_.+-]{0,63}$")]


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel of a venv: package, version, file name and SHA-256."""

    package: _Package
    version: _Line
    file: _WheelFile
    sha256: _Sha256


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive of a venv; ``sha1`` is the content of the original's ``.checksum``."""

    sha256: _Sha256
    sha1: Annotated[str, Field(pattern="^[0-9a-f]{40}$")]
    size_bytes: _Size


@dataclass(frozen=True, slots=True)
class VenvEntry:
    """A published venv of one service, tag and platform.

    ``inputs`` is the digest of all that determines the venv, and the end of its path on hosts;
    ``number`` counts the publications of the repo.
    ``tree`` is the digest of its files. ``platform`` is ``<distribution>-<version>-<machine>``.
    ``releases`` are the versions of the installed releases that brought it in an upgrade tarball.
    """

    service: ServiceName
    tag: Tag
    platform: _Platform
    directory: _Folder
    inputs: _Sha256
    tree: _Sha256
    archive: Archive
    requires: Requires
    wheels: Annotated[tuple[Wheel, ...], FailFast()]
    unpacked_bytes: _Size = 0
    number: _Size = 0
    requirements: _Lines = ()
    constraints: _Lines = ()
    check: tuple[str, ...] = ()
    units: tuple[Unit, ...] = ()
    reload: bool = False
    releases: tuple[_Version, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """Tag, platform and service: one venv each."""
        return (self.tag, self.platform, self.service)

    @property
    def name(self) -> str:
        """The name of the archive in messages."""
        return f"{self.service}-{self.tag}.tgz of {self.platform}"

    @property
    def store_path(self) -> str:
        """The path of the venv on hosts, relative to ``directory``."""
        return f".store/{self.service}-{self.tag}-{self.inputs[:16]}"

    def to_json(self) -> dict[str, Any]:
        """Return the form in ``index.json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class VenvIndex:
    """All published venvs, ordered by tag, platform and service."""

    entries: tuple[VenvEntry, ...] = ()

    @property
    def blobs(self) -> dict[str, str]:
        """The archives and wheels: the SHA-256 and the name of each."""
        wheels = {wheel.sha256: wheel.file for e in self.entries for wheel in e.wheels}
        return wheels | {entry.archive.sha256: entry.name for entry in self.entries}

    def of_tag(self, tag: str) -> Self:
        """Return the venvs of one tag."""
        return type(self)(tuple(entry for entry in self.entries if entry.tag == tag))

    def with_release(self, version: str, entries: Iterable[VenvEntry]) -> Self:
        """Return the index with the venvs of a release, which then keeps them."""
        present = {entry.key: entry for entry in self.entries}
        merged = []
        for entry in entries:
            old = present.get(entry.key, entry)
            kept = old if old.archive == entry.archive else entry
            merged.append(replace(kept, releases=tuple(sorted({*old.releases, version}))))
        return self.replaced(merged)

    def without_releases(self, versions: Collection[str]) -> Self:
        """Return the index without the venvs that only these releases keep."""
        entries = []
        for entry in self.entries:
            others = tuple(v for v in entry.releases if v not in versions)
            if others or not entry.releases:
                entries.append(replace(entry, releases=others))
        return type(self)(tuple(entries))

    def changes_to(self, new: "VenvIndex") -> tuple["VenvChange", ...]:
        """Return the changes that lead to ``new``."""
        before = {entry.key: entry for entry in self.entries}
        after = {entry.key: entry for entry in new.entries}
        return tuple(
            VenvChange(key, before.get(key), after[key].archive.sha256 if key in after else None)
            for key in sorted(before.keys() | after.keys())
            if before.get(key) != after.get(key)
        )

    def undone(self, changes: Iterable["VenvChange"]) -> Self:
        """Return the index without these changes; what somebody else published since then stays."""
        merged = {entry.key: entry for entry in self.entries}
        for change in changes:
            now = merged.get(change.key)
            if (now and now.archive.sha256) != change.new_sha256:
                continue
            merged.pop(change.key, None)
            if change.old is not None:
                merged[change.key] = change.old
        return type(self)(tuple(merged[key] for key in sorted(merged)))

    def replaced(self, entries: Iterable[VenvEntry]) -> Self:
        """Return the index with these entries in place of those of the same key."""
        merged = {entry.key: entry for entry in (*self.entries, *entries)}
        return type(self)(tuple(merged[key] for key in sorted(merged)))

    def find(self, service: str, *, tag: str | None, platform: str | None) -> VenvEntry:
        """Return the one venv of a service with this tag and platform; None is any.

        Raises:
            NotFoundError: there is none.
            ConfigError: there are several.
        """
        fitting = [
            entry
            for entry in self.entries
            if entry.service == service
            and tag in (None, entry.tag)
            and platform in (None, entry.platform)
        ]
        names = ", ".join(f"{entry.tag} on {entry.platform}" for entry in fitting)
        if not fitting:
            services = ", ".join(sorted({entry.service for entry in self.entries})) or "none"
            raise NotFoundError(
                f"no such venv of {service}; services here: {services}",
                remedy="list them: fuel-upgrade venv list REPO",
            )
        if len(fitting) > 1:
            raise ConfigError(
                f"{service} has several venvs: {names}", remedy="name --tag and --platform"
            )
        return fitting[0]

    def numbered(self, number: int) -> Self:
        """Return the index with the number of this publication in its new venvs."""
        return type(self)(tuple(e if e.number else replace(e, number=number) for e in self.entries))

    def newest(self, keep: int) -> Self:
        """Return the index with the ``keep`` tags that were published last.

        The tags of installed releases stay as well: they go with their release.
        """
        owned = {entry.tag for entry in self.entries if entry.releases}
        ordered = sorted(self.entries, key=lambda e: e.number)
        tags = [tag for tag in dict.fromkeys(e.tag for e in ordered) if tag not in owned]
        kept = owned.union(tags[-keep:])
        return type(self)(tuple(entry for entry in self.entries if entry.tag in kept))

    def to_text(self) -> str:
        """Return the content of ``index.json``."""
        venvs = [entry.to_json() for entry in self.entries]
        return json.dumps({"format": FORMAT, "venvs": venvs}, indent=1) + "\n"


NO_VENVS = VenvIndex()


@dataclass(frozen=True, slots=True)
class VenvChange:
    """The change of one key: the previous venv, and the SHA-256 of the new archive, if any."""

    key: tuple[str, str, str]
    old: VenvEntry | None
    new_sha256: str | None


@dataclass(frozen=True, slots=True)
class _IndexFile:
    format: Literal[1]
    venvs: Annotated[tuple[VenvEntry, ...], FailFast()]


_INDEX = TypeAdapter(_IndexFile)


def parse_index(text: str, *, source: str) -> VenvIndex:
    """Read ``index.json``.

    Raises:
        BundleError: it is malformed, or of a newer format.
    """
    try:
        return VenvIndex(_INDEX.validate_json(text).venvs)
    except ValidationError as error:
        fault = describe_fault(error.errors(include_url=False, include_input=False)[0])
        raise BundleError(
            f"{source}: not an index of venvs: {fault}", remedy="build the venvs again"
        ) from error


def compare_packages(
    first: VenvEntry, second: VenvEntry
) -> tuple[tuple[str, str | None, str | None], ...]:
    """Return the packages whose version differs: name, version in each venv or None."""
    before = {wheel.package: wheel.version for wheel in first.wheels}
    after = {wheel.package: wheel.version for wheel in second.wheels}
    return tuple(
        (name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )
