"""Repairs a tarball for a master: its diff repos also carry packages that the base lacks there."""

import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.contents import Contents
from fuel_upgrade.bundle.manifest import RepoPart
from fuel_upgrade.bundle.pack import (
    BundleSummary,
    check_output,
    describe_repo,
    summarize,
    write_tarball,
)
from fuel_upgrade.bundle.repair_request import RepairRequest, RequestedRepo
from fuel_upgrade.bundle.unpack_tarball import below, unpack
from fuel_upgrade.bundle.verify import BundleHead, read_head
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.description import CURRENT_FOLDER, FILE_NAME, DiffDescription
from fuel_upgrade.repo.package import Identity, Package, fingerprint
from fuel_upgrade.repo.read_repo import Role, opened_repo, read_repo
from fuel_upgrade.repo.repo import IndexChoice, Repo
from fuel_upgrade.repo.report.package_changes import Change, ChangeKind
from fuel_upgrade.system.files import remove_tree, rename, write_file
from fuel_upgrade.system.progress import Progress


def repair_bundle(
    request: RepairRequest, tarball: Path, sources: Sequence[Path], out: Path, *, progress: Progress
) -> BundleSummary:
    """Write ``tarball`` to ``out`` with the packages of ``request`` added to its diff repos.

    Each of ``sources`` is the full repo of a release, a folder or an archive; its content decides
    of which release. The seal is new, and everything else is unchanged.

    Raises:
        ConfigError: ``out`` exists, or the request is about another tarball.
        BundleError: no source is the full repo of a release that lacks packages, or a file
            is damaged.
    """
    check_output(out)
    head = read_head(tarball)
    _check_request(request, head)
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    with ExitStack() as cleanup:
        cleanup.callback(remove_tree, scratch)
        opened = [
            cleanup.enter_context(opened_repo(s, Role.FULL, scratch=scratch)) for s in sources
        ]
        tree = scratch / "tree"
        repairs = _match(request, head, [read_repo(root) for root in opened])
        unpack(head, below(tree), progress=progress)
        parts = {(p.version, p.os_key): p for p in head.repos}
        for repair in repairs:
            key = (repair.requested.version, repair.requested.os_key)
            parts[key] = _widen(repair, tree / parts[key].folder, parts[key], scratch, progress)
        description = replace(head.description, repos=tuple(parts.values()))
        write_file(tree / manifest.UPGRADE, description.render().encode())
        contents = _collect(tree)
        write_tarball(contents, scratch / "packed", out, progress=progress)
    summary = summarize(out, contents, head.fuel_version, description)
    return replace(summary, venvs=head.venvs)


@dataclass(frozen=True, slots=True)
class _Repair:
    """One diff repo to extend: its request, its description, and the full repo of its release."""

    requested: RequestedRepo
    described: DiffDescription
    full: Repo


def _check_request(request: RepairRequest, head: BundleHead) -> None:
    if request.seal != head.seal_sha256:
        raise ConfigError(
            f"the request is about {request.tarball} with the seal sha256:{request.seal}, but"
            f" {head.path} has the seal sha256:{head.seal_sha256}",
            remedy="name the tarball that the master refused",
        )
    unknown = [r for r in request.repos if (r.version, r.os_key) not in head.descriptions]
    if unknown:
        raise ConfigError(
            f"the request asks for {unknown[0].version} for {unknown[0].os_key}, of which"
            f" {head.path} has no diff repo",
            remedy="name the tarball that the master refused",
        )


def _match(request: RepairRequest, head: BundleHead, sources: Sequence[Repo]) -> list[_Repair]:
    """Match each requested release with its full repo by fingerprint; unpack nothing."""
    repairs, lacking = [], []
    for requested in request.repos:
        described = head.descriptions[requested.version, requested.os_key]
        full = next((s for s in sources if _is_content(s, described)), None)
        if full is None:
            lacking.append(
                f"{requested.version} for {requested.os_key} ({described.result_fingerprint},"
                f" {described.counts['carried'] + described.counts['inherited']} packages)"
            )
        else:
            repairs.append(_Repair(requested, described, full))
    if lacking:
        given = ", ".join(f"{s.root} ({len(s.packages)} entries)" for s in sources)
        raise BundleError(
            f"no repo given is the full repo of {'; '.join(lacking)}; given: {given or 'none'}",
            remedy="name with --from the full repo that the release was built from",
        )
    return repairs


def _is_content(repo: Repo, described: DiffDescription) -> bool:
    try:
        actual = fingerprint(repo.packages, described.algorithm)
    except KeyError:
        return False  # an index without checksums of that kind
    return actual == described.result_fingerprint


def _widen(
    repair: _Repair, folder: Path, part: RepoPart, scratch: Path, progress: Progress
) -> RepoPart:
    """Build the diff repo again, against a base with the packages that the master has.

    Only the list of packages of that base is needed, so a repo with a ``diff.yaml`` replaces it:
    the packages that it inherits count as its own.
    """
    described, full = repair.described, repair.full
    algorithm = described.algorithm
    missing = {p.identity(algorithm) for p in repair.requested.missing}
    inherited = described.inherited_packages()
    kept = tuple(p for p in inherited if p.identity(algorithm) not in missing)
    lines = tuple(f"{p} {p.digest(algorithm)}" for p in kept)
    base = scratch / f"held-{part.version}-{part.os_key}"
    counts = {**described.counts, "inherited": len(lines)}
    _write_held(full, replace(described, inherited=lines, counts=counts), base)
    if (folder / "repodata").is_dir():  # keep its groups and modules
        (base / CURRENT_FOLDER).mkdir()
        rename(folder / "repodata", base / CURRENT_FOLDER / "repodata")
    remove_tree(folder)
    made = build_diff(base, full.root, folder, DiffOptions(suite=full.suite), progress=progress)
    description = replace(
        described,
        counts=_counts(described.counts, len(inherited) - len(kept)),
        carried_bytes=made.carried_bytes,
        inherited=made.inherited,
        changes=_changes(described, full, {p.identity(algorithm) for p in inherited} & missing),
        original=made.original,
    )
    write_file(folder / FILE_NAME, description.render().encode())
    return describe_repo(part.version, part.os_key, read_repo(folder), part.base)


def _counts(before: Mapping[str, int], restored: int) -> dict[str, int]:
    """Count the restored packages; a tarball may be repaired more than once."""
    gains = {"restored": restored, "carried": restored, "inherited": -restored}
    return {**before, **{name: before.get(name, 0) + gain for name, gain in gains.items()}}


def _changes(
    described: DiffDescription, full: Repo, restored: Collection[Identity]
) -> tuple[str, ...]:
    """Return the change lines of the release, and a line for each restored package."""
    if not described.lists_changes:
        return ()  # lines of restored packages alone would look like all changes
    places: dict[Package, set[str]] = {}
    for entry in full.entries():
        if entry.package.identity(described.algorithm) in restored:
            components = [entry.component] if entry.component else []
            places.setdefault(entry.package, set()).update(components)
    by_identity = {package.identity(described.algorithm): package for package in places}
    lines = (
        _restored(by_identity[i], tuple(sorted(places[by_identity[i]]))).line()
        for i in sorted(by_identity)
    )
    return (*described.changes, *lines)


def _restored(package: Package, components: tuple[str, ...]) -> Change:
    return Change(
        ChangeKind.RESTORED,
        package.name,
        package.architecture,
        old=(package.version,),
        new=(package.version,),
        kept=(),
        old_bytes=package.size_bytes,
        new_bytes=package.size_bytes,
        old_components=components,
        new_components=components,
    )


def _write_held(full: Repo, described: DiffDescription, out: Path) -> None:
    """Write a diff repo without packages, for the list of packages that it inherits."""
    out.mkdir()
    full.write_indexes((), out, label="held", choice=IndexChoice())
    write_file(out / FILE_NAME, described.render().encode())


def _collect(tree: Path) -> Contents:
    contents = Contents()
    (tree / manifest.SEAL).unlink(missing_ok=True)
    contents.add_tree("upgrade", tree / "upgrade")
    for path in sorted(p for p in tree.iterdir() if p.is_file()):
        executable = bool(path.stat().st_mode & 0o100)
        contents.add_bytes(path.name, path.read_bytes(), executable=executable)
    return contents
