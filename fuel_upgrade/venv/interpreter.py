"""The interpreter of a venv: what the archive of the venv requires of a host."""

import json
import platform
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import packaging
from fuel_upgrade.errors import CommandError, ConfigError
from fuel_upgrade.system.process import run

_TIMEOUT_S = 30
# Runs in the interpreter of the venv; `packaging` is pure Python, so ours works there.
_PROGRAM = """
import json, os, platform, sys, sysconfig
sys.path.append(sys.argv[1])
from packaging.tags import sys_tags
print(json.dumps({
    "path": os.path.realpath(sys.executable),
    "version": platform.python_version(),
    "implementation": sys.implementation.cache_tag,
    "abi": sysconfig.get_config_var("SOABI") or "",
    "machine": platform.machine(),
    "glibc": platform.libc_ver()[1],
    "tags": [str(tag) for tag in sys_tags()],
}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter; ``tags`` are the wheels that it accepts, the best first (PEP 425)."""

    path: Path
    version: str
    implementation: str
    abi: str
    machine: str
    glibc: str
    tags: tuple[str, ...]

    @property
    def minor(self) -> str:
        """The version without the patch level, such as ``3.11``."""
        return ".".join(self.version.split(".")[:2])


def read_interpreter(python: str) -> Interpreter:
    """Describe the interpreter ``python``: a command, or a version such as ``3.11``, or a path.

    Raises:
        ConfigError: there is no such interpreter, or it does not start.
    """
    command = f"python{python}" if python[:1].isdigit() else python
    path = shutil.which(command)
    if path is None:
        raise ConfigError(
            f"python: {command} is not installed on this builder",
            remedy="install it, or name another interpreter in the spec",
        )
    library = str(Path(packaging.__file__).parents[1])
    try:
        facts: dict[str, Any] = json.loads(
            run([path, "-I", "-c", _PROGRAM, library], timeout_s=_TIMEOUT_S)
        )
    except (CommandError, ValueError) as error:
        raise ConfigError(
            f"python: {path} does not work: {error}", remedy="name another interpreter in the spec"
        ) from error
    return Interpreter(**{**facts, "path": Path(facts["path"]), "tags": tuple(facts["tags"])})


@dataclass(frozen=True, slots=True)
class Requires:
    """The requirements of a venv: interpreter, its ABI, architecture, and lowest glibc."""

    python: str
    interpreter: str
    abi: str
    machine: str
    glibc: str

    def to_json(self) -> dict[str, str]:
        """Return the form in indexes."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, str]) -> Self:
        """Read the form in indexes."""
        return cls(**data)


def platform_name(machine: str) -> str:
    """Return ``<distribution>-<version>-<architecture>`` of this system, as in os-release(5)."""
    system = platform.freedesktop_os_release()
    version = system.get("VERSION_ID", "rolling")
    return f"{system['ID']}-{version}-{machine}".lower()
