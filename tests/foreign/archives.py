"""Source packages of Debian whose tests carry repos, fetched once by apt into the user's cache."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fuel_upgrade.errors import CommandError
from fuel_upgrade.system import process
from tests.tools import in_ci

NAMES = ("apt", "python-apt", "aptly", "reprepro", "createrepo-c", "dnf", "libdnf", "librepo")
SUITES = ("bookworm", "trixie")
_TIMEOUT_S = 600
_OPTIONS = """\
Dir::Etc::SourceList "{root}/debian.sources";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "{root}/lists";
Dir::Cache "{root}/cache";
APT::Sandbox::User "root";
"""
_SOURCES = """\
Types: deb-src
URIs: {address}
Suites: {suites}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


def unpacked(name: str) -> Path | None:
    """Return the folder of a source package's own archive; None if the mirror lacks it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = cache / "fuel-upgrade/foreign"
    folder = root / name
    if not folder.exists():
        _prepare(root)
        archive = next(_fetched(root, name), None)
        if archive is None:
            return None
        staging = root / f".{name}"
        staging.mkdir(exist_ok=True)
        process.run(["tar", "-xf", str(archive), "-C", str(staging)], timeout_s=_TIMEOUT_S)
        staging.rename(folder)
    return folder


def _prepare(root: Path) -> None:
    for folder in ("lists/partial", "cache", "archives"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    options = root / "apt.conf"
    options.write_text(_OPTIONS.format(root=root))
    sources = _SOURCES.format(address=_mirror(), suites=" ".join(SUITES))
    (root / "debian.sources").write_text(sources)
    if not any((root / "lists").glob("*_Sources*")):
        try:
            _apt(root, "update", "--error-on=any")
        except CommandError as error:
            if in_ci():
                raise
            pytest.skip(f"no Debian mirror can be used: {error}")


def _mirror() -> str:
    argv = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN)", "Created-By: Packages"]
    lines = process.run(argv, timeout_s=_TIMEOUT_S).splitlines()
    addresses = (line.split()[0] for line in lines if line.endswith(" Debian"))
    return next(addresses, "http://deb.debian.org/debian")


def _fetched(root: Path, name: str) -> Iterator[Path]:
    """Yield the archives that could be fetched: a mirror may lack some files of a package."""
    folder = root / "archives" / name
    folder.mkdir(exist_ok=True)
    for suite in SUITES:
        with suppress(CommandError):
            _apt(root, "source", "--download-only", "--only-source", f"{name}/{suite}", cwd=folder)
        yield from (p for p in sorted(folder.glob("*.tar.*")) if ".debian." not in p.name)


def _apt(root: Path, *argv: str, cwd: Path | None = None) -> None:
    config = {"APT_CONFIG": str(root / "apt.conf")}
    process.run(["apt-get", "--quiet", *argv], timeout_s=_TIMEOUT_S, cwd=cwd, env=config)
