"""CPython and the libraries of the build machine's own Debian release, as packages."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from runtime_tree.errors import BuildError, run

# The library that createrepo_c's wheel expects of the host was renamed for 64-bit time.
_GLIB = ("libglib2.0-0t64", "libglib2.0-0")
_ONLINE = "connect this machine to a Debian mirror and run apt-get update, then build again"


@dataclass(frozen=True, slots=True)
class Deb:
    """One Debian package in the cache."""

    path: Path
    name: str
    version: str
    sha256: str


def python_of_debian() -> str:
    """Return the name of the default CPython of this Debian release, such as ``python3.11``.

    Raises:
        BuildError: apt does not know one.
    """
    depends = run(["apt-cache", "depends", "--important", "python3"], remedy=_ONLINE)
    match = re.search(r"Depends: (python3\.\d+)$", depends, re.MULTILINE)
    if match is None:
        raise BuildError("apt knows no package of CPython", remedy=_ONLINE)
    return match[1]


def fetch_debs(python: str, cache: Path) -> list[Deb]:
    """Return CPython, glib and their dependencies; download packages that are not cached.

    apt resolves them against an empty system, and checks its downloads.

    Raises:
        BuildError: a package is neither cached nor within reach.
    """
    folder = cache / "debs"
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    install = ["apt-get", "-o", "Dir::State::status=/dev/null", "-o", "Debug::NoLocking=1"]
    install += ["-o", f"Dir::Cache::archives={folder}", "-o", "APT::Sandbox::User=root"]
    install += ["--quiet=2", "--yes", "--no-install-recommends", "install", python, _glib()]
    run([*install, "--download-only"], remedy=_ONLINE)
    resolved = run([*install, "--simulate"], remedy=_ONLINE)
    return [_deb(folder / name) for name in _file_names(resolved)]


def _file_names(resolved: str) -> list[str]:
    """Return the files of the packages that apt would install: ``Inst NAME (VERSION [ARCH])``."""
    packages = re.findall(r"^Inst (\S+) \((\S+) .*\[(\w+)\]\)", resolved, re.MULTILINE)
    return sorted(
        f"{name}_{version.replace(':', '%3a')}_{arch}.deb" for name, version, arch in packages
    )


def _glib() -> str:
    for name in _GLIB:
        if run(["apt-cache", "madison", name], remedy=_ONLINE):
            return name
    raise BuildError("apt knows no package of glib", remedy=_ONLINE)


def _deb(path: Path) -> Deb:
    fields = run(["dpkg-deb", "--show", "--showformat=${Package} ${Version}", str(path)], remedy="")
    name, version = fields.split()
    return Deb(path, name, version, hashlib.sha256(path.read_bytes()).hexdigest())


def contributing(debs: list[Deb], tree: Path) -> list[Deb]:
    """Return the packages of which the tree has a library, or a part of Python."""
    taken = {path.name for path in (tree / "lib").iterdir()}
    return [deb for deb in debs if taken & _names_in(deb)]


def _names_in(deb: Deb) -> set[str]:
    listing = run(["dpkg-deb", "--contents", str(deb.path)], remedy=f"remove {deb.path}")
    paths = [line.split(" -> ")[0].split()[-1] for line in listing.splitlines()]
    return {
        Path(path).name for path in paths if path.startswith(("./lib/", "./usr/lib/", "./usr/bin/"))
    }


def unpack(debs: list[Deb], folder: Path) -> None:
    """Unpack packages beneath ``folder``; their scripts do not run."""
    for deb in debs:
        run(
            ["dpkg-deb", "--extract", str(deb.path), str(folder)],
            remedy=f"remove {deb.path}, which is damaged, and build again",
        )
