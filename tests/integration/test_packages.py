"""Results of ``make deb``, ``rpm`` and ``wheel``, with a small tree in place of the runtime tree.

The packages with the runtime tree are installed by tests/packaging: make test-packages.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from fuel_upgrade import __version__
from fuel_upgrade.system.files import hash_file
from tests.tools import needs

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
PYTHON = Path(sys.executable)
ENVIRONMENT = {
    **os.environ,
    "PYTHON": str(PYTHON),
    "DPKG_DEB": "-Zgzip -z1",
    "SOURCE_DATE_EPOCH": "1700000000",
}
#: Files of every package besides the runtime tree.
FILES = {
    "/etc/fuel-upgrade/config.yaml",
    "/etc/logrotate.d/fuel-upgrade",
    "/usr/bin/fuel-upgrade",
    "/usr/bin/fuel-upgraded",
    "/usr/lib/systemd/system/fuel-upgrade.service",
    "/usr/lib/systemd/system/fuel-upgrade-registry.service",
    "/usr/lib/sysusers.d/fuel-upgrade.conf",
    "/usr/lib/tmpfiles.d/fuel-upgrade.conf",
    "/usr/libexec/fuel-upgrade/restart-when-idle",
    "/usr/share/bash-completion/completions/fuel-upgrade",
    "/usr/share/fish/vendor_completions.d/fuel-upgrade.fish",
    "/usr/share/man/man1/fuel-upgrade.1.gz",
    "/usr/share/man/man8/fuel-upgraded.8.gz",
}
CONFIGURATION = {"/etc/fuel-upgrade/config.yaml", "/etc/logrotate.d/fuel-upgrade"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of the form that build-tree makes."""
    tree = tmp_path_factory.mktemp("tree") / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "BUILD-INFO").write_text(
        f'{{\n  "format": 1,\n  "version": "{__version__}",\n  "x": 1\n}}\n'
    )
    for name in ("fuel-upgrade", "fuel-upgraded"):
        (tree / "bin" / name).write_text("#!/bin/sh\n")
        (tree / "bin" / name).chmod(0o755)
    return tree


def build(kind: str, *arguments: Path, **environment: str) -> list[Path]:
    done = subprocess.run(
        [PACKAGING / f"build-{kind}", *arguments], env={**ENVIRONMENT, **environment},
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return [Path(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def deb(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("deb", tree, tmp_path_factory.mktemp("deb"))[0]


@pytest.fixture(scope="module")
def rpm(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("rpm", tree, tmp_path_factory.mktemp("rpm"))[0]


def output(*argv: str | Path) -> str:
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout


def other_builder(tree: Path, folder: Path) -> tuple[Path, dict[str, str]]:
    """Return the tree at another place with other modes, and another environment."""
    other = folder / "elsewhere"
    shutil.copytree(tree, other)
    for path in other.rglob("*"):
        path.chmod(0o700 if path.is_dir() or os.access(path, os.X_OK) else 0o600)
        os.utime(path)
    return other, {
        "TZ": "Asia/Kathmandu",
        "HOME": str(folder),
        "USER": "other",
        "LC_ALL": "C.UTF-8",
    }


@needs("dh", "dpkg-deb")
def test_the_debian_package_has_all_files_and_its_settings_are_conffiles(deb: Path) -> None:
    listed = [line.split() for line in output("dpkg-deb", "--contents", deb).splitlines()]
    names = {line[5].removeprefix(".") for line in listed}
    assert FILES | {"/usr/share/zsh/vendor-completions/_fuel-upgrade"} <= names
    assert {line[1] for line in listed} == {"root/root"}
    conffiles = output("dpkg-deb", "--info", deb, "conffiles").split()
    assert set(conffiles) == CONFIGURATION


@needs("rpmbuild", "rpm")
def test_the_rpm_has_all_files_and_its_settings_are_kept(rpm: Path) -> None:
    names = set(output("rpm", "-qpl", rpm).splitlines())
    assert FILES | {"/usr/share/zsh/site-functions/_fuel-upgrade"} <= names
    assert set(output("rpm", "-qpc", rpm).split()) == CONFIGURATION
    flags = output("rpm", "-qp", "--queryformat", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]", rpm)
    kept = {line.split()[0] for line in flags.splitlines() if line.endswith(" cn")}
    assert kept == CONFIGURATION


@needs("rpmbuild", "rpm")
def test_the_rpm_asks_for_nothing_but_a_shell(rpm: Path) -> None:
    requested = {line for line in output("rpm", "-qpR", rpm).splitlines() if "rpmlib(" not in line}
    assert requested == {"/bin/sh"}


@needs("dh", "lintian")
def test_lintian_has_nothing_to_say(deb: Path) -> None:
    # overrides for the runtime tree are not used by the small one
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on=error,warning", deb],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


@needs("rpmbuild", "rpmlint")
def test_rpmlint_has_nothing_to_say(rpm: Path) -> None:
    known = "no-binary"  # the small tree has none
    said = subprocess.run(
        ["rpmlint", "--config", PACKAGING / "rpm/rpmlint.toml", rpm],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    assert [line for line in said.splitlines() if ": E:" in line and known not in line] == []


def test_a_page_that_cannot_be_rendered_stops_the_build(tree: Path, tmp_path: Path) -> None:
    """Rather than leave a package with empty pages."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$2" != docutils ] && exec {PYTHON} "$@"\n')
    python.chmod(0o755)
    argv = [PACKAGING / "stage-root", tree, tmp_path / "root"]
    done = subprocess.run(argv, env={**ENVIRONMENT, "PYTHON": str(python)}, check=False)
    assert done.returncode != 0


@needs("dh", "dpkg-deb")
def test_another_builder_builds_the_same_debian_package(
    deb: Path, tree: Path, tmp_path: Path
) -> None:
    other, environment = other_builder(tree, tmp_path)
    (again,) = build("deb", other, tmp_path / "out", **environment)
    assert hash_file(again) == hash_file(deb)


@needs("rpmbuild", "rpm")
def test_another_builder_builds_the_same_rpm(rpm: Path, tree: Path, tmp_path: Path) -> None:
    other, environment = other_builder(tree, tmp_path)
    (again,) = build("rpm", other, tmp_path / "out", **environment)
    assert hash_file(again) == hash_file(rpm)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The source archive and the wheel."""
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source archive, outside any clone of git."""
    with tarfile.open(wheels[0]) as packed:
        assert {(member.uid, member.gid) for member in packed} == {(0, 0)}
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["tar", "-xf", wheels[0], "-C", folder], check=True)
    return folder / wheels[0].name.removesuffix(".tar.gz")


def test_a_source_archive_builds_the_same_archive_and_wheel(
    wheels: list[Path], unpacked: Path, tmp_path: Path
) -> None:
    argv = [unpacked / "packaging/build-wheel", tmp_path]
    environment = {**ENVIRONMENT, "TZ": "Asia/Kathmandu"}
    done = subprocess.run(argv, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    again = [Path(line) for line in done.stdout.splitlines()]
    assert [hash_file(path) for path in again] == [hash_file(path) for path in wheels]


@needs("git")
def test_a_source_archive_has_all_that_git_has(unpacked: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("needs a clone of git, to compare with")
    listed = output("git", "-C", ROOT, "ls-files").splitlines()
    assert [name for name in listed if not (unpacked / name).exists()] == []


def test_make_works_in_a_source_archive(unpacked: Path) -> None:
    targets = ("demo", "test", "deb", "rpm", "wheel")
    done = subprocess.run(
        ["make", "-C", str(unpacked), "--dry-run", *targets],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert int(output(unpacked / "packaging/source-date"))


def test_the_wheel_carries_data_and_license(wheels: list[Path]) -> None:
    with zipfile.ZipFile(wheels[1]) as packed:
        names = packed.namelist()
    data = {"py.typed", "bundle/upgrade.sh", "repo/yum/rpm/rpmrc"}
    assert {f"fuel_upgrade/{name}" for name in data} <= set(names)
    assert [name for name in names if name.endswith("/LICENSE")]
    assert [name for name in names if not name.startswith("fuel_upgrade")] == []
