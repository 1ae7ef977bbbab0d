"""The programs that resolve, build and install Python packages: uv, or pip where uv is missing."""

import os
import shutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fuel_upgrade.errors import CommandError, ConfigError, OutsideError
from fuel_upgrade.system.process import run

EPOCH_S = 315_532_800
"""1980-01-01, the first time that a wheel, which is a zip file, can hold."""
_TIMEOUT_S = 3600
_LOCK = "pylock.toml"


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """The sources of packages: ``links`` are folders of wheels; without ``online`` nothing else.

    ``url`` is an index (PEP 503) in place of the tool's default.
    """

    links: tuple[Path, ...] = ()
    url: str | None = None
    online: bool = True

    def options(self) -> list[str]:
        """Return the options that uv and pip share."""
        chosen = ["--index-url", self.url] if self.url else []
        return [
            *(chosen if self.online else ["--no-index"]),
            *(part for folder in self.links for part in ("--find-links", str(folder))),
        ]


class PythonTool(Protocol):
    """Resolves, builds and installs for an interpreter."""

    def lock(
        self, requirements: Path, constraints: Path, python: Path, index: PackageIndex
    ) -> dict[str, Any]:
        """Resolve a requirements file into the content of a ``pylock.toml``, with hashes."""
        ...

    def build_wheel(self, source: Path, out: Path, python: Path, index: PackageIndex) -> None:
        """Build the wheel of the project in the folder ``source`` in the empty folder ``out``."""
        ...

    def make_venv(self, path: Path, python: Path) -> None:
        """Make an empty venv, without pip."""
        ...

    def install(self, venv: Path, requirements: Path, wheels: Path) -> None:
        """Install exactly the wheels of a requirements file with hashes, from one folder."""
        ...


@dataclass(frozen=True, slots=True)
class Uv:
    """uv; its configuration files are ignored, and it downloads no interpreter."""

    program: str

    def lock(
        self, requirements: Path, constraints: Path, python: Path, index: PackageIndex
    ) -> dict[str, Any]:
        """Resolve by ``uv pip compile``."""
        out = requirements.with_name(_LOCK)
        out.unlink(missing_ok=True)
        options = ["--format", "pylock.toml", "--output-file", str(out), "--python", str(python)]
        options += ["--constraints", str(constraints)]
        _run(
            [self.program, "pip", "compile", *options, *index.options(), str(requirements)], env=_UV
        )
        return _read_lock(out)

    def build_wheel(self, source: Path, out: Path, python: Path, index: PackageIndex) -> None:
        """Build by ``uv build``, in an environment with only the project's build requirements."""
        options = ["--wheel", "--no-create-gitignore", "--python", str(python), "-o", str(out)]
        _run(
            [self.program, "build", *options, *index.options(), str(source)],
            env={**_UV, **_reproducible(source)},
        )

    def make_venv(self, path: Path, python: Path) -> None:
        """Make it by ``uv venv``."""
        _run([self.program, "venv", "--no-project", "--python", str(python), str(path)], env=_UV)

    def install(self, venv: Path, requirements: Path, wheels: Path) -> None:
        """Install by ``uv pip install``."""
        # Copies: a hard link to the cache would let a change on the host spoil the cache.
        options = ["--no-index", "--no-deps", "--require-hashes", "--link-mode", "copy"]
        where = ["--python", str(venv / "bin/python"), "--find-links", str(wheels)]
        _run([self.program, "pip", "install", *options, *where, "-r", str(requirements)], env=_UV)


@dataclass(frozen=True, slots=True)
class Pip:
    """pip of the builder's own Python."""

    program: str

    def lock(
        self, requirements: Path, constraints: Path, python: Path, index: PackageIndex
    ) -> dict[str, Any]:
        """Resolve by ``pip lock``, which pip has since 25.1."""
        out = requirements.with_name(_LOCK)
        files = ["-o", str(out), "-c", str(constraints), "-r", str(requirements)]
        self._run(["--python", str(python), "lock", *files, *index.options()])
        return _read_lock(out)

    def build_wheel(self, source: Path, out: Path, python: Path, index: PackageIndex) -> None:
        """Build by ``pip wheel``."""
        where = [*index.options(), str(source)]
        self._run(
            ["--python", str(python), "wheel", "--no-deps", "-w", str(out), *where],
            env=_reproducible(source),
        )

    def make_venv(self, path: Path, python: Path) -> None:
        """Make it by the interpreter's own ``venv`` module."""
        _run([str(python), "-m", "venv", "--without-pip", "--symlinks", str(path)], env={})

    def install(self, venv: Path, requirements: Path, wheels: Path) -> None:
        """Install by ``pip install``."""
        options = ["--no-index", "--no-deps", "--require-hashes", "--no-compile"]
        options += ["--find-links", str(wheels), "-r", str(requirements)]
        self._run(["--python", str(venv / "bin/python"), "install", *options])

    def _run(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        common = {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        _run([self.program, "-m", "pip", *argv], env={**common, **(env or {})})


_UV = {"UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}


def choose_tool(name: str | None = None) -> PythonTool:
    """Return uv, or pip if uv is not installed; ``name`` demands one of them.

    Raises:
        ConfigError: the tool is not installed.
    """
    if name != "pip" and (program := shutil.which("uv")):
        return Uv(program)
    if name != "uv":
        try:
            run([sys.executable, "-m", "pip", "lock", "--help"], timeout_s=60)
        except CommandError:
            pass
        else:
            return Pip(sys.executable)
    raise ConfigError(
        f"{name or 'uv, or pip 25.1 or newer,'} is not installed on this builder",
        remedy="install uv: it resolves, builds and installs the packages of a venv",
    )


def _reproducible(source: Path) -> dict[str, str]:
    """Return the environment under which compilers leave no time and no path of the builder."""
    flags = f"-g0 -ffile-prefix-map={source}=."
    return {
        "SOURCE_DATE_EPOCH": str(EPOCH_S),
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "CFLAGS": flags,
        "CXXFLAGS": flags,
    }


def _run(argv: Sequence[str], env: Mapping[str, str]) -> None:
    try:
        run(argv, timeout_s=_TIMEOUT_S, env=env)
    except CommandError as error:
        raise OutsideError(
            error.what, remedy="correct the requirements, or make the package index reachable"
        ) from error


def _read_lock(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
