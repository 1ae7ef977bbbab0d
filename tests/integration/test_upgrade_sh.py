"""The script of a tarball, by the shells that masters have: when it installs fuel-upgrade first."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.system.progress import no_progress
from tests.builders import spec_of, write_installer, write_parts
from tests.tools import needs, needs_root

BUSYBOX = pytest.param(("busybox", "sh"), id="busybox", marks=[needs("busybox"), needs_root()])
WITH_PROGRAMS = [  # BusyBox's shell runs an id of its own, for which no script can stand in
    pytest.param(("dash",), id="dash", marks=needs("dash")),
    pytest.param(("bash", "--posix"), id="bash", marks=needs("bash")),
]
SHELLS = [*WITH_PROGRAMS, BUSYBOX]
PROGRAMS = ("dirname", "sed", "mktemp", "rm", "tail", "tar", "cp", "sleep", "cat", "chmod", "sh")
#: A fake fuel-upgrade: it prints its version and its arguments.
COMMAND = """\
#!/bin/sh
case $1 in
--version) echo fuel-upgrade, version {version} ;;
status) [ -e ${{0%/*}}/running ] ;;
*) echo "asked: $*" ;;
esac
"""
DAEMON = "#!/bin/sh\necho started $*\n: > ${0%/*}/running\n"


@dataclass(frozen=True, slots=True)
class Master:
    """A PATH of its own, with the few programs that a master without anything has."""

    folder: Path
    shell: tuple[str, ...]
    tarball: Path

    def has(self, version: str, *, running: bool = True) -> None:
        """Give it a fuel-upgrade."""
        self._program("fuel-upgrade", COMMAND.format(version=version))
        self._program("fuel-upgraded", DAEMON)
        if running:
            (self.folder / "running").touch()

    def is_run_by(self, user_id: int) -> None:
        self._program("id", f"#!/bin/sh\necho {user_id}\n")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        shell = [str(self.folder / self.shell[0]), *self.shell[1:]]
        return subprocess.run(
            [*shell, str(self.folder.parent / "upgrade.sh"), *arguments],
            env={"PATH": str(self.folder), "TMPDIR": str(self.folder.parent)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tarball whose installer gives a master a fuel-upgrade 2.0 that is not real."""
    folder = tmp_path_factory.mktemp("bundle")
    data = write_parts(folder / "parts")
    commands = {"fuel-upgrade": COMMAND.format(version="2.0"), "fuel-upgraded": DAEMON}
    writes = "\n".join(
        f"cat >$PATH/{name} <<'END'\n{text}END\nchmod 755 $PATH/{name}"
        for name, text in commands.items()
    )
    does = f'echo "installer of 2.0 $*"\n{writes}'
    write_installer(folder / "parts/tool.run", does=does)
    out = folder / "fuel-6.0-upgrade.tar"
    spec = spec_of({**data, "installer": "tool.run"}, folder / "parts")
    build_bundle(spec, out, progress=no_progress)
    return out


@pytest.fixture(params=SHELLS)
def master(request: pytest.FixtureRequest, tmp_path: Path, tarball: Path) -> Master:
    shell: tuple[str, ...] = request.param
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in (*PROGRAMS, shell[0]):
        program = shutil.which(name)
        assert program is not None, name
        (folder / name).symlink_to(program)
    shutil.copy(tarball, tmp_path)
    subprocess.run(["tar", "-xf", tarball, "-C", tmp_path, "upgrade.sh"], check=True)
    made = Master(folder, shell, tmp_path / tarball.name)
    made.is_run_by(0)
    return made


def lines(text: str) -> list[str]:
    return [line.split(":")[0] for line in text.splitlines()]


def test_a_master_without_the_tool_gets_it_and_the_daemon_and_the_release(master: Master) -> None:
    done = master.run("--full-view")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "fuel-upgrade is not on this master: installing 2.0",
        "installer of 2.0 ",
        "started --detach",
        f"asked: install {master.tarball} --full-view",
    ]
    assert {path.name for path in master.folder.parent.iterdir()} == {
        "bin", "upgrade.sh", master.tarball.name,
    }  # fmt: skip


@pytest.mark.parametrize("version", ["1.9", "1.10.3", "2.0rc1", "2.0.dev3", "0.1.0"])
def test_an_older_tool_is_replaced(master: Master, version: str) -> None:
    master.has(version)
    first, second, *rest = master.run().stdout.splitlines()
    assert first == f"fuel-upgrade {version} is on this master: installing 2.0"
    assert second.startswith("installer")
    assert rest == [f"asked: install {master.tarball}"]


@pytest.mark.parametrize("version", ["2.0", "2.0.1", "2.1rc1", "10.0"])
def test_a_tool_that_is_not_older_stays(master: Master, version: str) -> None:
    master.has(version)
    *output, last = master.run(str(master.tarball)).stdout.splitlines()
    assert last == f"asked: install {master.tarball}"
    assert output == ([] if version == "2.0" else [output[0]])
    assert all(f"{version} is on this master, newer than 2.0" in line for line in output)


def test_a_daemon_that_does_not_run_is_started(master: Master) -> None:
    master.has("2.0", running=False)
    assert master.run().stdout.splitlines()[0] == "started --detach"


@pytest.mark.parametrize("master", WITH_PROGRAMS, indirect=True)
def test_only_root_installs_the_tool(master: Master) -> None:
    master.is_run_by(1000)
    done = master.run()
    assert (done.returncode, lines(done.stderr)) == (4, ["error", "state", "remedy"])


def test_a_tarball_that_is_cut_off_before_the_installer_is_refused(master: Master) -> None:
    with master.tarball.open("rb+") as file:
        file.truncate(4000)
    done = master.run()
    assert (done.returncode, lines(done.stderr)) == (3, ["error", "state", "remedy"])
    assert not (master.folder / "fuel-upgrade").exists()


def test_an_installer_that_was_unpacked_is_taken(master: Master) -> None:
    place = ["-C", str(master.folder.parent), "upgrade/installer"]
    subprocess.run(["tar", "-xf", master.tarball, *place], check=True)
    with master.tarball.open("rb+") as file:
        file.truncate(4000)
    assert master.run().returncode == 0


def test_help_and_a_name_that_is_not_there(master: Master) -> None:
    assert master.run("--help").stdout.startswith("usage:")
    done = master.run("absent.tar")
    assert (done.returncode, lines(done.stderr)) == (2, ["error", "state", "remedy"])
