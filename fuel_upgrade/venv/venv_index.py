"""``index.json`` of a repo server: every published venv, with its wheels and its digests. Pure."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from pydantic import TypeAdapter, ValidationError

from fuel_upgrade.errors import BundleError, ConfigError, NotFoundError
from fuel_upgrade.venv.interpreter import Requires

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel of a venv: package, version, file name and SHA-256."""

    package: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive of a venv; ``sha1`` is the content of the original's ``.checksum``."""

    sha256: str
    sha1: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class VenvEntry:
    """A published venv of one service, tag and platform.

    ``inputs`` is the digest of all that determines the venv, and the end of its path on hosts;
    ``number`` counts the publications of the repo.
    ``tree`` is the digest of its files. ``platform`` is ``<distribution>-<version>-<machine>``.
    """

    service: str
    tag: str
    platform: str
    directory: str
    inputs: str
    tree: str
    archive: Archive
    requires: Requires
    wheels: tuple[Wheel, ...]
    unpacked_bytes: int = 0
    number: int = 0
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    reload: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """Tag, platform and service: one venv each."""
        return (self.tag, self.platform, self.service)

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
        """Return the index with the ``keep`` tags that were published last."""
        tags = list(dict.fromkeys(e.tag for e in sorted(self.entries, key=lambda e: e.number)))
        kept = {*tags[-keep:]}
        return type(self)(tuple(entry for entry in self.entries if entry.tag in kept))

    def to_text(self) -> str:
        """Return the content of ``index.json``."""
        venvs = [entry.to_json() for entry in self.entries]
        return json.dumps({"format": FORMAT, "venvs": venvs}, indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class _IndexFile:
    format: Literal[1]
    venvs: tuple[VenvEntry, ...]


_INDEX = TypeAdapter(_IndexFile)


def parse_index(text: str, *, source: str) -> VenvIndex:
    """Read ``index.json``.

    Raises:
        BundleError: it is malformed, or of a newer format.
    """
    try:
        return VenvIndex(_INDEX.validate_json(text).venvs)
    except ValidationError as error:
        raise BundleError(
            f"{source}: not an index of venvs: {error}", remedy="build the venvs again"
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
