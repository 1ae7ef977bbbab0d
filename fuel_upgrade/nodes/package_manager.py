"""Run the package managers of a node in its root: refresh, check, install."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote

from fuel_upgrade.errors import OutsideError, PreflightError
from fuel_upgrade.nodes.installed_packages import RPM_FORMAT, Installed, parse_rpm, read_dpkg
from fuel_upgrade.nodes.node_state import NodeState
from fuel_upgrade.nodes.package_plan import ACTIVE, Chain, Change, NodePlan, PlanItem
from fuel_upgrade.nodes.repo_files import RemoteRepo
from fuel_upgrade.nodes.rpm_header import HEAD_BYTES, parse_signature_md5
from fuel_upgrade.repo.package import Package
from fuel_upgrade.system import process
from fuel_upgrade.system.files import hash_file, write_file

_REFRESH_S = 600.0
_INSTALL_S = 7200.0
_HEAD_S = 60.0
_ARCHIVES = "var/cache/apt/archives"
_REMOVAL = re.compile(r"^Remv (\S+)", re.MULTILINE)
_MOVE = re.compile(r"^Inst (\S+)", re.MULTILINE)
_CHECK_PREFERENCES = "fuel-upgrade-check.pref"
_ABOVE_DOWNGRADES = 1001  # apt_preferences(5): above 1000 a version is taken even downwards
_KINDS = {"MD5Sum": "md5", "SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
_APT_OPTIONS = (
    *("-o", "Dpkg::Options::=--force-confdef"),
    *("-o", "Dpkg::Options::=--force-confold"),  # keep the operator's changes
)


class Manager(Protocol):
    """The operations of a package manager for ``node apply``."""

    @property
    def root(self) -> Path:
        """Return the root of the node's file system."""

    def installed(self) -> tuple[Installed, ...]:
        """Return the installed packages."""

    def known(self, installed: Sequence[Installed], chain: Chain) -> dict[str, str]:
        """Return the proved checksums of installed packages, by key."""

    def refresh(self) -> None:
        """Read the indexes of the sources again; CommandError if any fails."""

    def check(self, plan: NodePlan, chain: Chain, *, remove: bool) -> NodePlan:
        """Check, before anything changes, that the manager would carry out the plan.

        Return the plan with those changes kept back that the manager could not make with the full
        repo either.
        """

    def bring(self, plan: NodePlan, *, remove: bool) -> None:
        """Carry out the plan; CommandError if it fails."""


@dataclass(frozen=True, slots=True)
class AptManager:
    """apt and dpkg. ``prefix`` precedes each command, for example ``chroot ROOT``."""

    root: Path
    prefix: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, root: Path) -> "AptManager":
        """Use the node's own apt, or that of this host if the root has none."""
        if root == Path("/"):
            return cls(root)
        if (root / "usr/bin/apt-get").exists():
            return cls(root, prefix=("chroot", str(root)))
        place = (f"Dir={root}", f"Dir::State::status={root}/var/lib/dpkg/status")
        values = (*place, f"DPkg::Options::=--root={root}")
        return cls(root, options=tuple(word for value in values for word in ("-o", value)))

    def installed(self) -> tuple[Installed, ...]:
        """Return the packages that dpkg has installed; PreflightError if it was interrupted."""
        return read_dpkg(self.root)

    def known(self, installed: Sequence[Installed], _chain: Chain) -> dict[str, str]:
        """Return the checksums recorded at installation: dpkg stores no checksum of a .deb."""
        return NodeState(self.root).known(installed)

    def refresh(self) -> None:
        """Run ``apt-get update``."""
        self._apt("update", "--error-on=any", timeout_s=_REFRESH_S)

    def check(self, plan: NodePlan, chain: Chain, *, remove: bool) -> NodePlan:
        """Compare the files that apt would fetch with the release, and check its removals.

        Packages that ``dist-upgrade`` keeps back, because the release does not meet their
        dependencies, are kept back: apt would refuse the whole transaction with them.

        Raises:
            OutsideError: apt would take another copy.
            PreflightError: apt would remove packages that are not to be removed.
        """
        self._drop_cached(chain)
        plan = plan.keeping_back(self._kept_back(plan))
        names = self._names(plan, remove=remove)
        removals = set(_REMOVAL.findall(self._install("--simulate", *names)))
        allowed = {i.installed.name for i in plan.of(Change.REMOVED)} if remove else set()
        if unexpected := sorted(removals - allowed):
            raise PreflightError(
                f"apt would remove {', '.join(unexpected)} to bring the node to the release",
                remedy="give --remove if the release removed them, or remove them by hand first",
            )
        forced = ("-o", f"Acquire::ForceHash={chain.algorithm}")
        require_exact(self._install("--print-uris", *forced, *names), chain)
        return plan

    def bring(self, plan: NodePlan, *, remove: bool) -> None:
        """Install, reinstall, downgrade and remove in one transaction."""
        self._install(*self._names(plan, remove=remove))

    def _names(self, plan: NodePlan, *, remove: bool) -> list[str]:
        selected = [f"{_apt_name(i.installed)}={_version(i)}" for i in plan.of(*ACTIVE)]
        removed = [f"{_apt_name(i.installed)}-" for i in plan.of(Change.REMOVED)]
        return [*selected, *(removed if remove else [])]

    def _install(self, *words: str) -> str:
        options = ("--yes", "--reinstall", "--allow-downgrades")
        return self._apt("install", *options, *_APT_OPTIONS, *words, timeout_s=_INSTALL_S)

    def _kept_back(self, plan: NodePlan) -> set[str]:
        items = plan.of(Change.UPGRADE, Change.DOWNGRADE)
        # Sources alone cause no downgrade, so the targets are pinned for this simulation; the path
        # of the file is relative to Dir::Etc, whatever the root of apt is.
        preferences = self.root / "etc/apt" / _CHECK_PREFERENCES
        own = preferences.with_name("preferences")
        pins = [own.read_text(encoding="utf-8")] if own.exists() else []
        pins += [
            f"Package: {_apt_name(item.installed)}\nPin: version {_version(item)}\n"
            f"Pin-Priority: {_ABOVE_DOWNGRADES}\n"
            for item in items
        ]
        words = ("dist-upgrade", "--simulate", "--yes", "--allow-downgrades")
        try:
            write_file(preferences, "\n".join(pins).encode())
            place = ("-o", f"Dir::Etc::preferences={_CHECK_PREFERENCES}")
            moved = set(_MOVE.findall(self._apt(*words, *place, timeout_s=_INSTALL_S)))
        finally:
            preferences.unlink(missing_ok=True)
        return {
            i.installed.key for i in items if moved.isdisjoint((i.installed.name, i.installed.key))
        }

    def _drop_cached(self, chain: Chain) -> None:
        """Remove downloaded files from outside the release: apt compares only their sizes."""
        for path in (self.root / _ARCHIVES).glob("*.deb"):
            name, version, _ = _parts(path.stem)
            digests = [chain.digest(p) for p in chain.release_copies(name, version)]
            if digests and hash_file(path, chain.algorithm) not in digests:
                path.unlink()

    def _apt(self, *words: str, timeout_s: float) -> str:
        environment = {"DEBIAN_FRONTEND": "noninteractive", **self.env}
        argv = (*self.prefix, "apt-get", *self.options, *words)
        return process.run(argv, timeout_s=timeout_s, env=environment)


@dataclass(frozen=True, slots=True)
class DnfManager:
    """dnf and rpm; ``options`` are for dnf only."""

    root: Path
    prefix: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    rpm_root: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, root: Path) -> "DnfManager":
        """Use the node's own dnf, or that of this host if the root has none."""
        if root == Path("/"):
            return cls(root)
        if (root / "usr/bin/dnf").exists():
            return cls(root, prefix=("chroot", str(root)))
        # rpm of Debian keeps its database below HOME inside the root
        where = ("--installroot", str(root), f"--setopt=reposdir={root}/etc/yum.repos.d")
        return cls(root, options=where, rpm_root=("--root", str(root)), env={"HOME": "/root"})

    def installed(self) -> tuple[Installed, ...]:
        """Return the packages that rpm has installed."""
        query = ("rpm", *self.rpm_root, "-qa", "--queryformat", RPM_FORMAT)
        return parse_rpm(self._run(*query, timeout_s=_REFRESH_S))

    def known(self, installed: Sequence[Installed], chain: Chain) -> dict[str, str]:
        """Compare the MD5 in rpm's database with that in the header of the release's file.

        Files are read only if the chain has several contents of the installed version.
        """
        return {
            package.key: chain.digest(copy)
            for package in installed
            if package.witness and chain.is_ambiguous(package)
            for copy in chain.release_copies(package.name, package.version)
            if package.witness == _read_md5(chain, copy)
        }

    def refresh(self) -> None:
        """Run ``dnf makecache`` without a cache: an index may change within its minute."""
        self._dnf("clean", "metadata", timeout_s=_REFRESH_S)
        self._dnf("makecache", timeout_s=_REFRESH_S)

    def check(self, plan: NodePlan, _chain: Chain, *, remove: bool) -> NodePlan:
        """Check with rpm that no remaining package needs one to remove."""
        if remove and (names := _rpm_names(plan.of(Change.REMOVED), "installed")):
            self._run("rpm", *self.rpm_root, "-e", "--test", *names, timeout_s=_REFRESH_S)
        return plan

    def bring(self, plan: NodePlan, *, remove: bool) -> None:
        """Upgrade and downgrade in one transaction, then reinstall, then remove."""
        moved = _rpm_names(plan.of(Change.UPGRADE, Change.DOWNGRADE), "target")
        if moved:
            self._dnf("install", *moved, timeout_s=_INSTALL_S)
        if again := _rpm_names(plan.of(Change.REINSTALL), "target"):
            self._dnf("reinstall", *again, timeout_s=_INSTALL_S)
        if remove and (names := _rpm_names(plan.of(Change.REMOVED), "installed")):
            self._run("rpm", *self.rpm_root, "-e", *names, timeout_s=_INSTALL_S)

    def _dnf(self, *words: str, timeout_s: float) -> str:
        return self._run("dnf", *self.options, "--assumeyes", *words, timeout_s=timeout_s)

    def _run(self, *argv: str, timeout_s: float) -> str:
        return process.run((*self.prefix, *argv), timeout_s=timeout_s, env=self.env)


def require_exact(printed: str, chain: Chain) -> None:
    """Compare the output of ``apt-get --print-uris`` with the release.

    Packages that no repo of the chain has are foreign and not checked.

    Raises:
        OutsideError: the checksum of a file differs from the release's for that version.
    """
    wrong = [
        f"{name} {version} from {uri}"
        for uri, stem, kind, value in _uris(printed)
        for name, version, _ in [_parts(stem)]
        if chain.has(name) and not _is_release(chain, name, version, (kind, value))
    ]
    if wrong:
        raise OutsideError(
            f"apt would install files from outside the release: {', '.join(wrong)}",
            remedy="remove from the node the sources of these URLs, or of the chain's repos under "
            "another URL, and run the command again",
        )


def _is_release(chain: Chain, name: str, version: str, digest: tuple[str, str]) -> bool:
    return any(digest in p.digests for p in chain.release_copies(name, version))


def _uris(printed: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield URI, file name without suffix, algorithm and checksum of each line."""
    for line in printed.splitlines():
        words = line.split()
        if line.startswith("'") and len(words) >= 3:  # noqa: PLR2004 - uri, file, size, checksum
            kind, _, value = (words[3] if len(words) > 3 else "").partition(":")  # noqa: PLR2004
            stem = words[1].removesuffix(".deb")
            yield words[0].strip("'"), stem, _KINDS.get(kind, kind), value


def _parts(stem: str) -> tuple[str, str, str]:
    """Split apt's own file name, ``name_version_architecture`` with ``%3a`` for the epoch."""
    name, version, architecture = (*stem.split("_"), "", "")[:3]
    return name, unquote(version), architecture


def _apt_name(package: Installed) -> str:
    """Return the name for apt: without architecture for a package for all of them."""
    return package.name if package.architecture == "all" else package.key


def _version(item: PlanItem) -> str:
    return item.target.version if item.target else item.installed.version


def _rpm_names(items: Iterable[PlanItem], side: str) -> list[str]:
    """Return ``name-[epoch:]version-release.arch`` for dnf and rpm."""
    return [
        f"{p.name}-{p.version}.{p.architecture}"
        for p in (item.installed if side == "installed" else item.target for item in items)
        if p is not None
    ]


def _read_md5(chain: Chain, copy: Package) -> str | None:
    source, package = chain.located(copy)
    if source is None:
        return None
    repo = RemoteRepo.at(source.url, timeout_s=_HEAD_S)
    head = repo.read_head(quote(package.location), HEAD_BYTES)
    try:
        return parse_signature_md5(head or b"")
    except ValueError:
        return None  # not proved: the package is installed again, and dnf checks the file
