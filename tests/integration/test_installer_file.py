"""The installer file in a root of busybox alone, with a program inside that is not real."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fuel_upgrade.bundle.installer import read_installer
from fuel_upgrade.system.tree_digest import digest
from tests.builders import write
from tests.packaging.machines import busybox_root, run_in
from tests.tools import needs, needs_root

pytestmark = [needs("busybox", "unshare", "ip"), needs_root()]
PACKAGING = Path(__file__).parents[2] / "packaging"
TREE = "usr/lib/fuel-upgrade"
CONFIG = "etc/fuel-upgrade/config.yaml"
PROGRAM = """\
#!/bin/sh
case $1 in
--version)
    if [ -e /tmp/gate ]; then echo reached > /tmp/reached; cat /tmp/gate; fi
    echo fuel-upgrade, version {version}
    ;;
status) [ -e /tmp/busy ] && echo '{{"format": 1, "running": "ab12"}}' ;;
esac
"""
#: The first waits while it tries the program, until it is killed; the second comes meanwhile.
BESIDE_EACH_OTHER = """
mkfifo /tmp/reached /tmp/gate
sh /root/first.run & first=$!
cat /tmp/reached
sh /root/second.run || echo $?
sh /root/second.run --uninstall || echo $?
kill -9 $first
rm /tmp/gate
fuel-upgrade --version
"""


def build(folder: Path, version: str, **files: str) -> Path:
    """Build an installer file of a program that only says its version; ``files`` are settings."""
    root = folder / f"root-{version}"
    write(root / TREE / "BUILD-INFO", f'{{\n  "version": "{version}",\n  "end": 1\n}}\n')
    write(root / TREE / "bin/fuel-upgrade", PROGRAM.format(version=version)).chmod(0o755)
    (root / "usr/bin").mkdir()
    (root / "usr/bin/fuel-upgrade").symlink_to("../lib/fuel-upgrade/bin/fuel-upgrade")
    write(root / f"usr/share/doc/fuel-upgrade/{version}.rst", version)
    write(root / CONFIG, files.get("config", "default: 1\n"))
    out = folder / f"dist-{version}"
    pack(root, out)
    (path,) = out.iterdir()
    return path


def pack(root: Path, out: Path, **env: str) -> None:
    argv = [PACKAGING / "build-installer", root, out]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1000000000", **env}
    subprocess.run(argv, check=True, capture_output=True, env=environment)


@dataclass(frozen=True, slots=True)
class Host:
    """A root with the installer files that it was given."""

    root: Path

    def run(self, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
        shutil.copy(file, self.root / "root/tool.run")
        return run_in(self.root, "sh", "/root/tool.run", *options, check=False)

    def installs(self, file: Path, *options: str) -> str:
        done = self.run(file, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refuses(self, file: Path, exit_code: int, *options: str) -> str:
        """Check that nothing at all is changed, and return the error."""
        shutil.copy(file, self.root / "root/tool.run")
        before = self.tree()
        done = self.run(file, *options)
        assert done.returncode == exit_code, done.stdout + done.stderr
        labels = [line.split(":")[0] for line in done.stderr.splitlines()[-3:]]
        assert labels == ["error", "state", "remedy"]
        assert self.tree() == before
        return done.stderr

    def tree(self) -> str:
        return digest(self.root, without=[self.root / "root", self.root / "dev"])

    def version(self) -> str:
        return run_in(self.root, "fuel-upgrade", "--version").stdout.split()[-1]

    def names(self) -> set[str]:
        folders = [self.root / name for name in ("usr", "etc", "var")]
        paths = (path for folder in folders for path in folder.rglob("*"))
        return {str(path.relative_to(self.root)) for path in paths}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(busybox_root(tmp_path / "host"))


@pytest.fixture(scope="module")
def installer(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("installers")
    made: dict[str, Path] = {}

    def of(version: str, **files: str) -> Path:
        if version not in made:
            made[version] = build(folder, version, **files)
        return made[version]

    return of


def test_two_builds_are_identical(tmp_path: Path, installer: Callable[..., Path]) -> None:
    again = build(tmp_path, "1.0")
    pack(tmp_path / "root-1.0", again.parent, TZ="Asia/Tokyo", LC_ALL="C.UTF-8")
    assert again.read_bytes() == installer("1.0").read_bytes()


def test_it_installs_upgrades_downgrades_and_goes_without_a_trace(
    host: Host, installer: Callable[..., Path]
) -> None:
    before = host.names()
    for version in ("1.0", "2.0", "2.0", "1.0"):
        host.installs(installer(version))
        assert host.version() == version
        documents = {path.name for path in (host.root / "usr/share/doc/fuel-upgrade").iterdir()}
        assert documents == {f"{version}.rst"}
    host.installs(installer("1.0"), "--uninstall")
    assert host.names() == before


def test_settings_that_were_edited_stay(host: Host, installer: Callable[..., Path]) -> None:
    config = host.root / CONFIG
    host.installs(installer("1.0"))
    host.installs(installer("3.0", config="default: 3\n"))
    assert config.read_text() == "default: 3\n", "nobody had edited it"
    config.write_text("mine\n")
    host.installs(installer("3.0"))
    assert not config.with_name("config.yaml.new").exists(), "the default is the same"
    assert "was changed here" in host.installs(installer("1.0"))
    assert config.read_text() == "mine\n"
    assert config.with_name("config.yaml.new").read_text() == "default: 1\n"
    host.installs(installer("1.0"), "--uninstall")
    assert config.read_text() == "mine\n"
    host.installs(installer("1.0"))
    assert config.read_text() == "mine\n"
    host.installs(installer("1.0"), "--uninstall", "--purge")
    assert not config.parent.exists()


def test_a_damaged_file_changes_nothing(
    host: Host, installer: Callable[..., Path], tmp_path: Path
) -> None:
    data = installer("1.0").read_bytes()
    for damaged in (data[:-1], data + b"\n", data.replace(b"umask 022", b"umask 000")):
        (tmp_path / "damaged.run").write_bytes(damaged)
        assert "SHA-256" in host.refuses(tmp_path / "damaged.run", 3)
        assert host.run(tmp_path / "damaged.run", "--check").returncode == 3
    assert "is whole" in host.installs(installer("1.0"), "--check")


def test_files_of_another_fuel_upgrade_are_not_overwritten(
    host: Host, installer: Callable[..., Path]
) -> None:
    write(host.root / "usr/bin/fuel-upgrade", "by pip")
    assert "/usr/bin/fuel-upgrade" in host.refuses(installer("1.0"), 4)


def test_an_installed_package_is_not_overwritten(
    host: Host, installer: Callable[..., Path]
) -> None:
    query = write(host.root / "usr/bin/dpkg-query", "#!/bin/sh\necho install ok installed\n")
    query.chmod(0o755)
    assert "dpkg -r fuel-upgrade" in host.refuses(installer("1.0"), 4)


def test_a_host_where_it_does_not_run_is_left_alone(host: Host, tmp_path: Path) -> None:
    file = build(tmp_path, "9.0")
    program = tmp_path / "root-9.0" / TREE / "bin/fuel-upgrade"
    program.write_text("#!/bin/sh\necho no such kernel\nexit 1\n")
    pack(tmp_path / "root-9.0", file.parent)
    assert "no such kernel" in host.refuses(file, 4)


def test_what_a_power_cut_left_is_cleaned_up(host: Host, installer: Callable[..., Path]) -> None:
    host.installs(installer("1.0"))
    after = host.names()
    tree = host.root / TREE
    tree.rename(tree.with_name("fuel-upgrade.old-77"))  # the moment between the two renames
    write(tree.with_name("fuel-upgrade.new-77") / "half", "")
    write(host.root / "usr/bin/fuel-upgrade.fuel-upgrade-new", "half")
    host.installs(installer("1.0"))
    assert (host.version(), host.names()) == ("1.0", after)


def test_a_daemon_at_work_is_not_uninstalled(host: Host, installer: Callable[..., Path]) -> None:
    host.installs(installer("1.0"))
    write(host.root / "tmp/busy", "")
    host.refuses(installer("1.0"), 4, "--uninstall")


def test_a_second_installer_is_refused_and_a_killed_one_blocks_nothing(
    host: Host, installer: Callable[..., Path]
) -> None:
    host.installs(installer("1.0"))
    shutil.copy(installer("2.0"), host.root / "root/first.run")
    shutil.copy(installer("3.0"), host.root / "root/second.run")
    done = run_in(host.root, "sh", "-euc", BESIDE_EACH_OTHER)
    assert done.stdout.splitlines() == ["reached", "4", "4", "fuel-upgrade, version 1.0"]
    lines = done.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == ["error", "state", "remedy"] * 2
    assert "another installer of fuel-upgrade runs" in lines[0]
    host.installs(installer("3.0"))
    assert host.version() == "3.0"
    assert [path.name for path in (host.root / TREE).parent.iterdir()] == ["fuel-upgrade"]


def test_it_can_be_removed_without_its_file(host: Host, installer: Callable[..., Path]) -> None:
    before = host.names()
    host.installs(installer("1.0"))
    run_in(host.root, "sh", "/var/lib/fuel-upgrade-installer/uninstall")
    assert host.names() == before


def test_wrong_usage_is_reported(host: Host, installer: Callable[..., Path]) -> None:
    for options in (("--nosuch",), ("--extract",), ("--purge",)):
        host.refuses(installer("1.0"), 2, *options)
    assert host.installs(installer("1.0"), "--version") == "fuel-upgrade 1.0\n"
    assert "Example:" in host.installs(installer("1.0"), "--help")


def test_extracting_installs_nothing(host: Host, installer: Callable[..., Path]) -> None:
    before = host.names()
    host.installs(installer("1.0"), "--extract", "/root/out")
    assert (host.root / "root/out" / TREE / "BUILD-INFO").exists()
    assert host.names() == before


def test_a_tarball_takes_what_was_built(installer: Callable[..., Path]) -> None:
    assert read_installer(installer("2.0")).version == "2.0"
