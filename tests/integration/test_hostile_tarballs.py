"""A hostile tarball is refused in little memory, undone whole, and leaves nothing outside."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade.cli.client.daemon_client import DaemonClient
from fuel_upgrade.system.tree_digest import walk
from tests.host import Host, make_host
from tests.hostile.all_cases import cases_by_kind
from tests.hostile.case import Case
from tests.hostile.raw_tar import VERSION, head_files
from tests.hostile.reading import CancelledError, faults_apart, kib, read_measured
from tests.programs import Done, Program, run

KINDS = cases_by_kind()
LIMIT_MIB = 256
DAEMON_MIB = 139  # docs/operations.rst
TEXT_CHARS = 1000
#: Kinds whose header costs the most.
COSTLY = (
    "seal with an unknown key",
    "seal with many files",
    "costly diff.yaml",
    "many descriptions",
)
each_kind = pytest.mark.parametrize("kind", KINDS)
REFUSED = {k: next(c for c in cases if not (c.is_harmless or c.is_endless))
           for k, cases in KINDS.items() if not all(c.is_harmless for c in cases)}  # fmt: skip


def written(case: Case, folder: Path) -> Path:
    path = folder / "hostile.tar"
    case.write(path)
    return path


def test_there_are_as_many_kinds_as_promised() -> None:
    assert len(KINDS) >= 120


@each_kind
def test_reading_ends_soon_in_little_memory_and_writes_only_below_its_folder(
    tmp_path: Path, kind: str
) -> None:
    cases = KINDS[kind]
    assert faults_apart(lambda: [f for c in cases for f in _faults(c, tmp_path)]) == []


def _faults(case: Case, folder: Path) -> Iterator[str]:
    into = folder / "into"
    into.mkdir()
    tarball = written(case, folder)
    outcome = read_measured(tarball, into)
    expected: tuple[str, ...] = ("BundleError", "ConfigError")
    if case.is_harmless:
        expected = ("",)
    elif case.is_endless:
        expected = (CancelledError.__name__,)
    if outcome.error not in expected:
        yield f"{case.variant}: {outcome.error} {outcome.what[:200]}"
    if len(outcome.what) > TEXT_CHARS or not outcome.what.isprintable():
        yield f"{case.variant}: text of {len(outcome.what)} characters: {outcome.what[:200]!r}"
    if outcome.grown_mib > LIMIT_MIB - DAEMON_MIB:
        yield f"{case.variant}: {outcome.grown_mib} MiB"
    if [path.name for path in folder.iterdir() if path not in (into, tarball)]:
        yield f"{case.variant}: files outside"
    yield from _odd_files(into)
    shutil.rmtree(into)


def _odd_files(into: Path) -> Iterator[str]:
    for path in walk(into):
        info = path.lstat()
        if info.st_mode & 0o7022 and not path.is_symlink():
            yield f"{path}: mode {info.st_mode:o}"
        way = os.path.normpath(path.parent / path.readlink()) if path.is_symlink() else into
        if not Path(way).is_relative_to(into):
            yield f"{path}: a link to {path.readlink()}"
        if not (path.is_symlink() or path.is_dir() or path.is_file()) or (
            path.is_file() and info.st_nlink > 1
        ):
            yield f"{path}: neither a file of its own nor a folder"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    return make_host(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def daemon(host: Host) -> Iterator[Program]:
    with host.daemon() as program:
        yield program


@pytest.mark.parametrize("kind", REFUSED)
def test_the_daemon_refuses_it_and_the_master_is_as_before(
    tmp_path: Path, host: Host, daemon: Program, kind: str
) -> None:
    tarball = written(REFUSED[kind], tmp_path)
    before = host.tree()
    for words in (("bundle", "inspect"), ("plan",), ("install",)):
        done = host.command(*words, tarball)
        _require_small(done)
    assert done.returncode in (2, 3, 4), done.stderr
    assert host.tree() == before
    assert "Traceback" not in host.log()
    assert kib(daemon.pid, "VmHWM") >> 10 < LIMIT_MIB


@pytest.mark.parametrize("kind", COSTLY)
def test_a_command_that_reads_the_header_itself_stays_small(tmp_path: Path, kind: str) -> None:
    release, report = tmp_path / "release.yaml", tmp_path / "report"
    release.write_bytes(head_files()[f"upgrade/releases/{VERSION}.yaml"])
    for case in KINDS[kind]:
        tarball = written(case, tmp_path)
        _require_small(run(["fuel-upgrade", "bundle", "inspect", tarball]))
        _require_small(run(["fuel-upgrade", "bundle", "report", tarball, "-o", report]))
        _require_small(run(["fuel-upgrade", "release", "diff", tarball, release]))


def _require_small(done: Done) -> None:
    assert done.returncode in (0, 2, 3, 4), done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 4 * TEXT_CHARS
    assert done.peak_mib < LIMIT_MIB, done.args


def test_an_endless_member_that_is_written_nowhere_is_cancelled(
    tmp_path: Path, host: Host, daemon: Program
) -> None:
    before = host.tree()
    endless = next(
        c for c in KINDS["hole as a member"] if c.is_endless and "installer" in c.variant
    )
    client = DaemonClient(host.root / "run/fuel-upgrade/api.sock")
    job = client.post("/installs", {"tarball": str(written(endless, tmp_path))})["job"]
    events = client.events(job)
    next(event for event in events if event["event"] == "progress")
    client.post(f"/jobs/{job}/cancel", {})
    assert "it was cancelled" in [*events][-1]["what"]
    assert host.tree() == before
