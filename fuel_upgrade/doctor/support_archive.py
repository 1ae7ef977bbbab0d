"""Packs logs, journal and settings of a host into one file for support, with masked secrets."""

import io
import json
import os
import sqlite3
import sys
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import quote, urlsplit

from fuel_upgrade import __version__
from fuel_upgrade.config import Config
from fuel_upgrade.doctor.check import Check, checks_json
from fuel_upgrade.doctor.host_checks import read_kernel
from fuel_upgrade.doctor.journal_checks import open_read_only
from fuel_upgrade.doctor.settings_checks import Settings
from fuel_upgrade.errors import CommandError, ConfigError
from fuel_upgrade.system import process
from fuel_upgrade.system.files import write_file
from fuel_upgrade.system.masking import mask_text

_FOLDER = "fuel-upgrade-support"
_TAIL_BYTES = 4 << 20
_TIMEOUT_S = 20
_SECRET_VARIABLES = ("PASSWORD", "TOKEN", "SECRET", "CREDENTIAL")
_SHOWN_VARIABLES = ("FUEL_UPGRADE_", "OS_", "PG", "TMPDIR", "LANG", "LC_")
_COMMANDS = {
    "unit-status.txt": ("systemctl", "--no-pager", "status", "fuel-upgrade.service"),
    "unit.txt": ("systemctl", "--no-pager", "cat", "fuel-upgrade.service"),
    "unit-journal.txt": ("journalctl", "--no-pager", "-n", "5000", "-u", "fuel-upgrade.service"),
    "disks.txt": ("df", "-h"),
    "mounts.txt": ("cat", "/proc/mounts"),
}


@dataclass(frozen=True, slots=True)
class Masker:
    """Masks the secrets of this host, however they are quoted, and text like a secret."""

    secrets: tuple[str, ...]

    @classmethod
    def of(cls, config: Config, environ: Mapping[str, str]) -> "Masker":
        """Collect the secrets of the settings, of files that they name, and of the environment."""
        forms = {form for secret in _secrets(config, environ) for form in _forms(secret)}
        return cls(tuple(sorted(forms)))

    def mask(self, text: str) -> str:
        """Return the text with masked secrets."""
        return mask_text(text, self.secrets)


def write_support(  # noqa: PLR0913 - content and output
    out: Path,
    settings: Settings,
    checks: Sequence[Check],
    environ: Mapping[str, str],
    *,
    force: bool,
    now_s: float,
) -> tuple[str, ...]:
    """Write the archive, readable by its owner only; return the names of its members.

    Raises:
        ConfigError: ``out`` exists and ``force`` is not given, or it cannot be written.
    """
    if not force and os.path.lexists(out):
        raise ConfigError(f"{out}: exists already", remedy="name a new file, or give --force")
    masker = Masker.of(settings.config, environ)
    parts = dict(_parts(settings, checks, environ, masker))
    try:
        write_file(out, _pack(parts, now_s), mode=0o600)
    except OSError as error:
        raise ConfigError(
            f"{out}: cannot be written: {error.strerror}", remedy="name a file that can be written"
        ) from error
    return tuple(parts)


def _parts(
    settings: Settings, checks: Sequence[Check], environ: Mapping[str, str], masker: Masker
) -> Iterator[tuple[str, bytes]]:
    paths = settings.config.paths
    texts = {
        "doctor.json": json.dumps({"format": 1, **checks_json(checks)}, indent=2),
        "config.yaml": settings.text,
        "versions.txt": _versions(),
        "environment.txt": _environment(environ),
        **{name: _output(argv) for name, argv in _COMMANDS.items()},
    }
    for log in (paths.log, paths.log.with_name(f"{paths.log.name}.1")):
        texts[f"log/{log.name}"] = _tail(log)
    for name, text in texts.items():
        if text:
            yield name, masker.mask(text).encode(errors="backslashreplace")
    yield from _journal(paths.journal, masker)


def _journal(path: Path, masker: Masker) -> Iterator[tuple[str, bytes]]:
    """Yield a consistent copy of the journal with every text masked."""
    try:
        with closing(open_read_only(path)) as source, closing(sqlite3.connect(":memory:")) as copy:
            source.backup(copy)
            copy.create_function("mask", 1, masker.mask, deterministic=True)
            for table, column in _text_columns(copy):
                copy.execute(
                    f'UPDATE "{table}" SET "{column}" = mask("{column}")'  # noqa: S608 - own names
                    f" WHERE typeof(\"{column}\") = 'text'"
                )
            copy.commit()
            copy.execute("VACUUM")  # free pages would keep the unmasked text
            yield "journal.sqlite", copy.serialize()
    except sqlite3.Error as error:
        yield "journal.txt", f"{path} cannot be copied: {error}\n".encode()


def _text_columns(db: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [
        (table, str(column[1]))
        for table in tables
        if not table.startswith("sqlite_")
        for column in db.execute(f'PRAGMA table_info("{table}")')
    ]


def _versions() -> str:
    release, glibc = read_kernel()
    described = (distribution.metadata for distribution in distributions())
    packages = sorted(f"{metadata['Name']}=={metadata['Version']}" for metadata in described)
    head = (f"fuel-upgrade {__version__}", f"Python {sys.version}", f"Linux {release}", glibc)
    return "\n".join((*head, "", *packages, ""))


def _environment(environ: Mapping[str, str]) -> str:
    shown = {k: v for k, v in sorted(environ.items()) if k.startswith(_SHOWN_VARIABLES)}
    return "".join(f"{name}={value}\n" for name, value in shown.items())


def _output(argv: Sequence[str]) -> str:
    try:
        return process.run(argv, timeout_s=_TIMEOUT_S)
    except CommandError as error:
        return f"{error.what}\n"


def _tail(path: Path) -> str:
    """Return the last whole lines of a log: half a secret could not be masked."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL_BYTES, 0))
            data = file.read(_TAIL_BYTES)
    except OSError as error:
        return "" if isinstance(error, FileNotFoundError) else f"{path}: {error.strerror}\n"
    if size > _TAIL_BYTES:
        data = data.partition(b"\n")[2]
    return data.decode(errors="backslashreplace")


def _secrets(config: Config, environ: Mapping[str, str]) -> Iterator[str]:
    nailgun = config.nailgun
    yield nailgun.password or ""
    for url in (nailgun.proxy, config.registry.database):
        yield urlsplit(url).password or "" if url else ""
    for path in (nailgun.password_file, config.paths.registry_password):
        yield _first_line(path) if path else ""
    for name, value in environ.items():
        if any(word in name.upper() for word in _SECRET_VARIABLES):
            yield value


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _forms(secret: str) -> Iterable[str]:
    """Return the spellings of a secret: plain, in JSON, in Python, in a URL."""
    return {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe="")} - {""}


def _pack(parts: Mapping[str, bytes], now_s: float) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in parts.items():
            member = tarfile.TarInfo(f"{_FOLDER}/{name}")
            member.size, member.mode, member.mtime = len(data), 0o600, int(now_s)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
