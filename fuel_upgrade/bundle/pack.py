"""Building an upgrade tarball from its parts: checked, and the same input gives the same bytes."""

import io
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import zstandard

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.built_venvs import read_built
from fuel_upgrade.bundle.contents import Contents
from fuel_upgrade.bundle.installer import Installer, read_installer
from fuel_upgrade.bundle.manifest import RepoPart, UpgradeDescription
from fuel_upgrade.bundle.spec import BundleSpec, ReleaseSpec, RepoSpec, VenvsSpec
from fuel_upgrade.bundle.tarball_file import SUFFIXES
from fuel_upgrade.bundle.venv_part import (
    VenvPart,
    blob_path,
    check_agreement,
    index_path,
    spend_entries,
)
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.release.chain import in_order, render_metadata
from fuel_upgrade.release.fixture import as_yaml, parse_fixture
from fuel_upgrade.release.model import Release
from fuel_upgrade.release.puppet_tasks import read_tasks
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.description import read_description
from fuel_upgrade.repo.diff import total_bytes
from fuel_upgrade.repo.package import Package
from fuel_upgrade.repo.proof.read_proof import prove_ready
from fuel_upgrade.repo.read_repo import Role, naming, opened_repo, read_repo
from fuel_upgrade.repo.repo import Repo
from fuel_upgrade.system.files import hash_file, remove_tree, rename
from fuel_upgrade.system.hashing import on_all_cores
from fuel_upgrade.system.new_output import require_new
from fuel_upgrade.system.progress import Progress
from fuel_upgrade.system.unpacked import unpacked
from fuel_upgrade.venv.repo_store import RepoStore

_ZSTD_LEVEL = 3  # packages are compressed already: higher levels only cost time (measured)
# Fixed: both change the bytes written. Longer jobs take more memory and are not faster (measured).
_ZSTD_THREADS = 2
_ZSTD_JOB_BYTES = 2 << 20
_PUPPET_PARTS = ("modules", "manifests")
_BUFFER_BYTES = 1 << 18  # of uncompressed data: a call for each small file costs more


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """A tarball that was built; sizes in bytes.

    ``dropped`` are the indexes that a diff repo made here does not carry, with their release.
    """

    path: Path
    size_bytes: int
    files: int
    fuel_version: str
    upgrade_from: tuple[str, ...]
    repos: tuple[RepoPart, ...]
    dropped: tuple[str, ...] = ()
    venvs: tuple[VenvPart, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` prints."""
        return {
            "path": str(self.path),
            "bytes": self.size_bytes,
            "files": self.files,
            "fuel_version": self.fuel_version,
            "upgrade_from": list(self.upgrade_from),
            "repos": [repo.to_json() for repo in self.repos],
            "venvs": [part.to_json() for part in self.venvs],
            "dropped": list(self.dropped),
        }


def build_bundle(spec: BundleSpec, out: Path, *, progress: Progress) -> BundleSummary:
    """Write the tarball that ``spec`` describes to ``out`` (``.tar.zst`` or ``.tar``).

    Raises:
        ConfigError: ``out`` exists or has another suffix, or the parts do not fit together.
        BundleError: a part is damaged or malformed.
    """
    check_output(out)
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    with ExitStack() as cleanup:
        cleanup.callback(remove_tree, scratch)
        builder = _Builder(spec, scratch, cleanup, progress)
        fuel_version = builder.collect()
        write_tarball(builder.contents, scratch / "packed", out, progress=progress)
    description = UpgradeDescription(spec.upgrade_from, tuple(builder.repos))
    summary = summarize(out, builder.contents, fuel_version, description)
    return replace(summary, dropped=tuple(builder.dropped), venvs=tuple(builder.venvs))


def summarize(
    out: Path, contents: Contents, fuel_version: str, description: UpgradeDescription
) -> BundleSummary:
    """Describe a tarball that was written."""
    return BundleSummary(
        path=out,
        size_bytes=out.stat().st_size,
        files=len(contents.sealed) + 1,  # and the seal itself
        fuel_version=fuel_version,
        upgrade_from=description.upgrade_from,
        repos=description.repos,
    )


def check_output(out: Path) -> None:
    """Check that a tarball can be written to ``out``, and create its folder.

    Raises:
        ConfigError: ``out`` exists, or has another suffix.
    """
    if not out.name.endswith(SUFFIXES):
        raise ConfigError(
            f"{out}: expected a name in .tar.zst or .tar", remedy="choose such a name"
        )
    require_new(out)
    out.parent.mkdir(parents=True, exist_ok=True)


def write_tarball(contents: Contents, packed: Path, out: Path, *, progress: Progress) -> None:
    """Write ``contents`` to the new file ``packed``; move it, complete and durable, to ``out``."""
    with packed.open("xb") as file:
        if out.name.endswith(".zst"):
            parameters = zstandard.ZstdCompressionParameters.from_level(
                _ZSTD_LEVEL, threads=_ZSTD_THREADS, job_size=_ZSTD_JOB_BYTES, write_checksum=True
            )
            compressor = zstandard.ZstdCompressor(compression_params=parameters)
            with (
                compressor.stream_writer(file, closefd=False) as stream,
                io.BufferedWriter(cast("io.RawIOBase", stream), _BUFFER_BYTES) as buffer,
            ):
                contents.write(buffer, progress=progress)
        else:
            contents.write(file, progress=progress)
        file.flush()
        os.fsync(file.fileno())
    rename(packed, out)


class _Builder:
    """Collects the parts: reads every description and index, and makes the diff repos."""

    def __init__(
        self, spec: BundleSpec, scratch: Path, cleanup: ExitStack, progress: Progress
    ) -> None:
        self._spec = spec
        self._scratch = scratch
        self._cleanup = cleanup
        self._progress = progress
        self._releases: list[Release] = []
        self._diff_releases: dict[str, str] = {}
        self.contents = Contents()
        self.repos: list[RepoPart] = []
        self.dropped: list[str] = []
        self.venvs: list[VenvPart] = []

    def collect(self) -> str:
        """Fill ``contents`` and ``repos``; return the Fuel version."""
        version_text = _read_text(self._spec.version_yaml)
        source = str(self._spec.version_yaml)
        fuel_version = manifest.parse_fuel_version(version_text, source=source)
        installer = read_installer(self._spec.installer) if self._spec.installer else None
        for release in self._spec.releases:
            self._add_release(release)
        in_order(self._releases, self._diff_releases, source="bundle.yaml")
        check_agreement(self.venvs, source="bundle.yaml")
        description = UpgradeDescription(
            self._spec.upgrade_from, tuple(self.repos), has_venvs=bool(self.venvs)
        )
        add = self.contents.add_bytes
        add(manifest.VERSION, version_text.encode())
        add(manifest.UPGRADE, description.render().encode())
        add(manifest.METADATA, render_metadata(self._diff_releases).encode())
        add(manifest.SCRIPT, _script(fuel_version, installer).encode(), executable=True)
        if installer is not None:
            place = f"{manifest.INSTALLER}{installer.name}"
            self.contents.add_file(place, installer.path, executable=True)
        return fuel_version

    def _add_release(self, spec: ReleaseSpec) -> None:
        text = _read_text(spec.openstack_yaml)
        releases = parse_fixture(text, source=str(spec.openstack_yaml))
        version = _one_version(releases, spec.openstack_yaml)
        systems = set(spec.only) or {release.os_key for release in releases}
        _check_complete(spec, systems, {release.os_key for release in releases})
        self._releases.extend(r for r in releases if r.os_key in systems)
        if spec.base is not None:
            self._diff_releases[version] = spec.base
        described = as_yaml(text, source=str(spec.openstack_yaml)).encode()
        self.contents.add_bytes(f"{manifest.RELEASES}{version}.yaml", described)
        versions = _read_text(spec.version_yaml).encode()
        self.contents.add_bytes(f"{manifest.RELEASE_VERSIONS}{version}.yaml", versions)
        if spec.puppet is not None:
            self._add_puppet(version, spec.puppet)
        for os_key, repo in sorted(spec.repos.items()):
            self._add_repo(version, os_key, repo, spec.base)
        if spec.venvs is not None:
            self._add_venvs(version, spec.venvs)

    def _add_venvs(self, version: str, spec: VenvsSpec) -> None:
        """Add the index of the venvs, and the archives and wheels that the base lacks."""
        part = read_built(version, spec)
        text = part.index.to_text()
        spend_entries(text, source=f"{spec.repo}: the index of {spec.tag}")
        self.contents.add_bytes(index_path(version), text.encode())
        for sha256 in part.carried:
            source = RepoStore(spec.repo).blob(sha256)
            self.contents.add_file(blob_path(version, sha256), source, known=sha256)
        self.venvs.append(part)

    def _add_puppet(self, version: str, path: Path) -> None:
        opened = unpacked(path, self._scratch, parts=_PUPPET_PARTS, kind="puppet tree")
        root = self._cleanup.enter_context(opened)
        read_tasks(root)  # a malformed file must not fail on the master
        self.contents.add_tree(f"{manifest.PUPPET}{version}", root)

    def _add_repo(self, version: str, os_key: str, spec: RepoSpec, base: str | None) -> None:
        root = self._repo_root(version, os_key, spec)
        repo = read_repo(root)
        _check_packages(repo)
        part = describe_repo(version, os_key, repo, base)
        if spec.diff is not None:  # a diff made here has been proved already
            prove_ready(repo).require(str(spec.diff))
        known = {p.location: dict(p.digests).get("sha256", "") for p in repo.packages}
        self.contents.add_tree(part.folder, root, {k: v for k, v in known.items() if v})
        self.repos.append(part)

    def _repo_root(self, version: str, os_key: str, spec: RepoSpec) -> Path:
        if spec.base and spec.current:
            out = self._scratch / f"{version}-{os_key}"
            # its packages are those of the current repo
            self._cleanup.enter_context(naming(Role.CURRENT, spec.current, out))
            made = build_diff(spec.base, spec.current, out, progress=self._progress)
            self.dropped += (f"{version} {os_key}: {text}" for text in made.dropped)
            return out
        ready = spec.diff or spec.full
        if ready is None:
            raise ConfigError(f"{version} {os_key}: no repo is named", remedy="correct bundle.yaml")
        role = Role.DIFF if spec.diff else Role.FULL
        return self._cleanup.enter_context(opened_repo(ready, role, scratch=self._scratch))


def _script(fuel_version: str, installer: Installer | None) -> str:
    """Return the text of ``upgrade.sh`` with the names in its own tarball."""
    text = files("fuel_upgrade.bundle").joinpath("upgrade.sh").read_text(encoding="utf-8")
    place = f"{manifest.INSTALLER}{installer.name}" if installer else ""
    values = {
        "@VERSION@": fuel_version,
        "@INSTALLER@": place,
        "@TOOL@": installer.version if installer else "",
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _check_packages(repo: Repo) -> None:
    """Check that each package exists with its size; hash those without a SHA-256 in the index.

    Raises:
        BundleError: a package is missing, or not as listed in the index.
    """

    def hash_weak(package: Package) -> None:
        algorithm, expected = package.digests[0]
        path = repo.root / package.location
        if (digest := hash_file(path, algorithm)) != expected:
            raise _not_as_listed(path, f"{algorithm} {digest}", expected)

    weak: list[Package] = []
    for package in {p.location: p for p in repo.packages}.values():
        path = repo.root / package.location
        size = f"{path.stat().st_size} bytes" if path.is_file() else "not there"
        if size != f"{package.size_bytes} bytes":
            raise _not_as_listed(path, size, f"{package.size_bytes} bytes")
        weak += [package] if package.digests and package.digests[0][0] != "sha256" else []
    for _ in on_all_cores(hash_weak, weak):
        pass


def _not_as_listed(path: Path, actual: str, expected: str) -> BundleError:
    return BundleError(
        f"{path}: {actual}, but the index says {expected}",
        remedy="copy the repo again, with its packages, or reindex it",
    )


def describe_repo(version: str, os_key: str, repo: Repo, base: str | None) -> RepoPart:
    """Describe a repo.

    Raises:
        BundleError: it is a diff repo without a named base, or a full repo with one.
    """
    description = read_description(repo.root)
    if (description is None) != (base is None):
        actual, expected = ("a diff repo", "a full") if description else ("no diff.yaml", "a diff")
        raise BundleError(
            f"{repo.root}: expected {expected} repo, found {actual}",
            remedy="name 'base' in bundle.yaml for a release of diff repos, and only for those",
        )
    size, count = total_bytes(repo.packages), len({p.location for p in repo.packages})
    full_count, full_size = count, size
    if description is not None:
        full_count = description.counts["carried"] + description.counts["inherited"]
        full_size = description.result_bytes
    return RepoPart(
        version=version,
        os_key=os_key,
        kind=repo.kind,
        suite=repo.suite,
        components=repo.components,
        packages=count,
        size_bytes=size,
        full_packages=full_count,
        full_size_bytes=full_size,
        base=base,
    ).checked(source=str(repo.root))


def _one_version(releases: Sequence[Release], source: Path) -> str:
    versions = sorted({release.version for release in releases})
    if len(versions) != 1:
        raise BundleError(
            f"{source}: releases of several versions: {', '.join(versions)}",
            remedy="give each version its own openstack.yaml in bundle.yaml",
        )
    return versions[0]


def _check_complete(spec: ReleaseSpec, systems: set[str], described: set[str]) -> None:
    faults = [f"no repo for {name}" for name in sorted(systems - set(spec.repos))]
    faults += [
        f"a repo for {name} that 'only' leaves out" for name in sorted(set(spec.repos) - systems)
    ]
    faults += [f"no release for {name}" for name in sorted(systems - described)]
    if faults:
        raise ConfigError(
            f"{spec.openstack_yaml}: {'; '.join(faults)}",
            remedy="name a repo for every operating system, or list in 'only' those to install",
        )


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", remedy="name a readable text file") from error
