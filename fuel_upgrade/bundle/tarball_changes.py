"""Reports the changes of an upgrade tarball, from its descriptions or before it is built."""

from pathlib import Path

from fuel_upgrade.bundle.manifest import RepoPart
from fuel_upgrade.bundle.spec import ReleaseSpec, RepoSpec, parse_spec
from fuel_upgrade.bundle.venv_part import VenvPart
from fuel_upgrade.bundle.verify import read_head_and_texts
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.release.fixture import parse_fixture
from fuel_upgrade.repo.description import FILE_NAME, DiffDescription, require_description
from fuel_upgrade.repo.diff import total_bytes
from fuel_upgrade.repo.report.package_changes import RepoReport, Report

_FULL = "A full repo: it does not build on another one."


def report_tarball(path: Path) -> Report:
    """Report the changes in the ``diff.yaml`` of each repo in the tarball; read only its header.

    Raises:
        ConfigError: there is no such file.
        BundleError: it is no upgrade tarball, or damaged.
    """
    head, texts = read_head_and_texts(path)
    repos = [_of_part(part, texts.get(f"{part.folder}/{FILE_NAME}")) for part in head.repos]
    repos += map(_of_venvs, head.venvs)
    return Report(f"Changes with Fuel {head.fuel_version}", tuple(repos))


def _of_venvs(part: VenvPart) -> RepoReport:
    entries = part.index.entries
    new = ", ".join(e.name for e in entries if e.archive.sha256 in part.carried) or "none"
    note = f"Python venvs, each counted as a package. New: {new}."
    size = sum(entry.archive.size_bytes for entry in entries)
    name = f"{part.version} venvs, tag {part.tag}"
    return RepoReport(name, None, len(entries), None, size, (), note)


def _of_part(part: RepoPart, text: str | None) -> RepoReport:
    name = f"{part.version} {part.os_key}"
    if text is None:
        return RepoReport(name, None, part.full_packages, None, part.full_size_bytes, (), _FULL)
    description = DiffDescription.parse(text, source=f"{part.folder}/{FILE_NAME}")
    return description.report(f"{name}, since {part.base}")


def report_spec(path: Path) -> Report:
    """Report by comparing the repos that a ``bundle.yaml`` names.

    Raises:
        ConfigError: the file, or a file that it names, is missing or malformed.
        BundleError: a repo is damaged.
    """
    spec = parse_spec(_read(path), source=path)
    repos = (
        _of_spec(f"{_version(release)} {os_key}", repo, release.base, scratch=path.parent)
        for release in spec.releases
        for os_key, repo in sorted(release.repos.items())
    )
    return Report(f"Changes with {path.name}", tuple(repos))


def _version(release: ReleaseSpec) -> str:
    text, source = _read(release.openstack_yaml), str(release.openstack_yaml)
    return ", ".join(sorted({r.version for r in parse_fixture(text, source=source)}))


def _of_spec(name: str, spec: RepoSpec, base: str | None, *, scratch: Path) -> RepoReport:
    # Imported here: a master reports on tarballs and may lack these libraries.
    from fuel_upgrade.repo.proof.read_proof import Suites, report_repos  # noqa: PLC0415
    from fuel_upgrade.repo.read_repo import Role, opened_repo, read_repo  # noqa: PLC0415

    since = f"{name}, since {base}"
    if spec.base and spec.current:
        return report_repos(spec.base, spec.current, suites=Suites(), name=since)
    ready = spec.diff or spec.full
    if ready is None:
        raise ConfigError(f"{name}: no repo is named", remedy="correct bundle.yaml")
    role = Role.DIFF if spec.diff else Role.FULL
    with opened_repo(ready, role, scratch=scratch) as root:
        if spec.diff:
            return require_description(root).report(since)
        packages = read_repo(root).packages
    count, size = len({p.location for p in packages}), total_bytes(packages)
    return RepoReport(name, None, count, None, size, (), _FULL)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", remedy="name a readable bundle.yaml") from error
