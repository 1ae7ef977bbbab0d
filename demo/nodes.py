"""Nodes without machines: scratch roots with the real apt or dnf.

Package managers give installed files to root. Without root privileges they run in a user
namespace (``unshare --map-root-user``), which looks the same to them.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from configparser import ConfigParser
from pathlib import Path

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.nodes.write_sources import write_tree
from fuel_upgrade.system import process
from fuel_upgrade.system.files import remove_tree

_TIMEOUT_S = 120.0
_APT_FOLDERS = (
    "etc/apt/apt.conf.d",
    "etc/apt/preferences.d",
    "etc/apt/sources.list.d",
    "etc/apt/trusted.gpg.d",
    "var/cache/apt/archives/partial",
    "var/lib/apt/lists/partial",
    "var/lib/dpkg/info",
    "var/lib/dpkg/triggers",
    "var/lib/dpkg/updates",
    "var/log/apt",
)
_APT_CONF = """\
Dir "{root}";
Dir::State::status "{root}/var/lib/dpkg/status";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Sandbox::User "root";
APT::Get::Assume-Yes "true";
Acquire::Languages "none";
DPkg::Options {{ "--root={root}"; }};
"""
_DNF_CONF = """\
[main]
assumeyes=1
cachedir=/var/cache/dnf
gpgcheck=0
install_weak_deps=0
keepcache=0
persistdir=/var/lib/dnf
plugins=0
reposdir={root}/etc/yum.repos.d
"""
_RPM_LINE = r"%{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n"


class AptNode:
    """A node with apt. The host's apt configuration is not read.

    Nothing is started in the root: packages with maintainer scripts would need a chroot.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        for folder in _APT_FOLDERS:
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "var/lib/dpkg/status").touch()
        self._conf = self.root / "etc/apt/node.conf"
        self._conf.write_text(_APT_CONF.format(root=self.root))

    def apply(self, files: Mapping[str, str]) -> None:
        """Write node sources and read the repos that they name."""
        write_tree(files, self.root)
        self._run("apt-get", "update", "--error-on=any")

    def install(self, names: Iterable[str]) -> None:
        """Install the packages with their dependencies, or bring them to their candidates."""
        self._run("apt-get", "install", "--allow-downgrades", *names)

    def upgrade(self) -> None:
        """Bring every installed package to its candidate, downwards too."""
        self._run("apt-get", "dist-upgrade", "--allow-downgrades")

    def installed(self) -> dict[str, tuple[str, str]]:
        """Return version and content of each installed package by name."""
        form = "--showformat=${db:Status-Status} ${Package} ${Version}\n"
        folder = f"--admindir={self.root}/var/lib/dpkg"
        rows = (line.split() for line in self._run("dpkg-query", folder, "-W", form).splitlines())
        return {
            name: (version, _content(self.root, name))
            for status, name, version in rows
            if status == "installed"
        }

    def origin(self, name: str) -> str:
        """Return the url, as in the sources, of the repo that the candidate comes from."""
        printed = self._run("apt-get", "download", "--print-uris", name)
        location = printed.split()[0].strip("'")
        lists = (self.root / "etc/apt").glob("sources.list*")
        files = [file for path in lists for file in ([path] if path.is_file() else path.iterdir())]
        urls = re.findall(r"^deb (?:\[.*?\] )?(\S+)", "\n".join(map(_text, files)), re.MULTILINE)
        return _owner(urls, location)

    def download(self, name: str, into: Path) -> Path:
        """Fetch the candidate's file into a folder of its own and return its path."""
        into.mkdir(parents=True)
        self._run("apt-get", "download", name, cwd=into)
        (path,) = into.iterdir()
        return path

    def names(self) -> list[str]:
        """Return the names of all packages in the repos."""
        return self._run("apt-cache", "pkgnames").split()

    def uris(self, names: Iterable[str]) -> str:
        """Return the lines of ``--print-uris`` for candidates: URI, file name, size, checksum."""
        return self._run("apt-get", "download", "--print-uris", *names)

    def policy(self, name: str) -> str:
        """Return the output of ``apt-cache policy`` for a package."""
        return self._run("apt-cache", "policy", name)

    def _run(self, *argv: str, cwd: Path | None = None) -> str:
        environment = {"APT_CONFIG": str(self._conf), "DEBIAN_FRONTEND": "noninteractive"}
        return _run_as_root(argv, environment, cwd)


class DnfNode:
    """A node with dnf, as the host's dnf works on an install root."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        (self.root / "etc/yum.repos.d").mkdir(parents=True, exist_ok=True)
        self._fresh = self.root / "var/tmp/fresh"
        self._conf = self.root / "etc/dnf.conf"
        self._conf.write_text(_DNF_CONF.format(root=self.root))

    def apply(self, files: Mapping[str, str]) -> None:
        """Write node sources and read the repos that they name."""
        write_tree(files, self.root)
        remove_tree(self._fresh)
        self._dnf("clean", "all")
        self._dnf("makecache")

    def install(self, names: Iterable[str]) -> None:
        """Install the packages with their dependencies."""
        self._dnf("install", *names)

    def upgrade(self) -> None:
        """Bring every installed package to its candidate, downwards too."""
        self._dnf("distro-sync")

    def installed(self) -> dict[str, tuple[str, str]]:
        """Return version and content of each installed package by name."""
        argv = ["rpm", "--root", str(self.root), "-qa", "--queryformat", _RPM_LINE]
        rows = (line.split() for line in self._run(*argv).splitlines())
        return {name: (version, _content(self.root, name)) for name, version in rows}

    def origin(self, name: str) -> str:
        """Return the url, as in the repo files, of the repo that the candidate comes from.

        ``dnf install`` is asked, because ``dnf repoquery`` ignores priorities.
        """
        table = self._fetch(name, self._fresh / "packages")
        row = re.search(rf"^ {re.escape(name)}\s+\S+\s+\S+\s+(\S+)\s", table, re.MULTILINE)
        if row is None:
            raise OutsideError(f"dnf would not install {name}", remedy=f"read its plan:\n{table}")
        repos = ConfigParser(interpolation=None)
        repos.read((self.root / "etc/yum.repos.d").iterdir())
        return repos[row[1]]["baseurl"]

    def download(self, name: str, into: Path) -> Path:
        """Fetch the candidate's file into a folder of its own and return its path."""
        self._fetch(name, into)
        (path,) = into.glob(f"{name}-[0-9]*.rpm")
        return path

    def _fetch(self, name: str, into: Path) -> str:
        """Download the packages for a node with nothing installed; return dnf's plan."""
        options = ("--downloadonly", "--destdir", str(into))
        return self._dnf("install", *options, name, installroot=self._fresh)

    def _dnf(self, *argv: str, installroot: Path | None = None) -> str:
        head = ["dnf", "--config", str(self._conf), "--installroot", str(installroot or self.root)]
        return self._run(*head, "--releasever", "6", "--forcearch", "x86_64", *argv)

    def _run(self, *argv: str) -> str:
        # Debian's rpm keeps its database under HOME, inside the root: one place for all users
        return _run_as_root(argv, {"HOME": "/root"}, None)


def _run_as_root(argv: Sequence[str], env: Mapping[str, str], cwd: Path | None) -> str:
    prefix = [] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--"]
    return process.run([*prefix, *argv], timeout_s=_TIMEOUT_S, env=env, cwd=cwd)


def _content(root: Path, name: str) -> str:
    return _text(root / "usr/share" / name / "content")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _owner(urls: Iterable[str], location: str) -> str:
    """Return the url under which a package's location lies (the longest, if several)."""
    plain = location.replace("file:///", "file:/")
    owners = [
        u for u in urls if plain.startswith(u.replace("file:///", "file:/").rstrip("/") + "/")
    ]
    if not owners:
        raise OutsideError(f"{location} is in no repo of the node", remedy="look at its sources")
    return max(owners, key=len)
