"""The offline installer of fuel-upgrade that may travel inside an upgrade tarball."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.errors import ConfigError

_HEADER_BYTES = 4096
_HEADER = re.compile(
    rb"#!/bin/sh\nsha256=(?P<sha256>[0-9a-f]{64})\n(?P<covered>version=(?P<version>[\w.+~-]+)\n)"
)
_REMEDY = "name the file that make installer wrote"


@dataclass(frozen=True, slots=True)
class Installer:
    """An undamaged installer file, and the version of fuel-upgrade that it installs."""

    path: Path
    version: str

    @property
    def name(self) -> str:
        """Its file name in a tarball."""
        return f"fuel-upgrade-{self.version}-x86_64.run"


def read_installer(path: Path) -> Installer:
    """Verify an installer file, as the file itself does, and read its version.

    Its second line has the SHA-256 of everything after that line.

    Raises:
        ConfigError: it is no installer, or is damaged.
    """
    try:
        with path.open("rb") as file:
            header = _HEADER.match(file.read(_HEADER_BYTES))
            if header is None:
                raise ConfigError(f"{path}: is no installer of fuel-upgrade", remedy=_REMEDY)
            file.seek(header.start("covered"))
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", remedy=_REMEDY) from error
    expected = header["sha256"].decode()
    if actual != expected:
        raise ConfigError(
            f"{path}: SHA-256 {actual}, but its header says {expected}",
            remedy="get an undamaged copy of the installer",
        )
    return Installer(path, header["version"].decode())
