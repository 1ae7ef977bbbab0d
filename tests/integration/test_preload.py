"""A daemon imports all of its modules before it is ready: its files may be replaced then."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.host import Host
from tests.readiness import readiness
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
NEW = "2014.2-6.0"
#: The daemon, which writes the name of every module that it loads to the file named first.
CHILD = """
import os
import sys
from fuel_upgrade.daemon.service import main

daemon = os.getpid()

class Record:
    def find_spec(self, name, path=None, target=None):
        if os.getpid() == daemon:
            print(name, file=file, flush=True)

file = open(sys.argv.pop(1), "w")
sys.meta_path.insert(0, Record())
main()
"""


@contextmanager
def recorded(host: Host, record: Path) -> Iterator[None]:
    """Run the daemon of a master; ``record`` gets its imports."""
    argv: list[str | Path] = [sys.executable, "-c", CHILD, record, "--root", host.root]
    with (
        readiness() as ready,
        subprocess.Popen(argv, stderr=subprocess.DEVNULL, env=ready.environment()) as process,
    ):
        try:
            ready.wait(process)
            yield
        finally:
            process.kill()


def test_a_daemon_that_is_ready_imports_only_the_library_of_yum_any_more(
    host: Host, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    plan, record = tmp_path / "retire.json", tmp_path / "record"
    with recorded(host, record):
        before = record.read_text().splitlines()
        assert "fuel_upgrade.repo.fullview.view" in before
        assert host.json("install", tarballs["5.1"])["state"] == "installed"
        install = host.json("install", tarballs["6.0"])
        assert host.json("rollback", install["id"])["state"] == "undone"
        assert host.command("install", tarballs["6.0.1"]).returncode == 4
        host.json("install", "--full-view", "--verify-base", tarballs["6.0"])
        assert host.command("install", tarballs["6.0.1"]).returncode == 5
        host.json("releases", "show", f"{NEW}/ubuntu")
        host.json("squash", NEW)
        host.json("gc", "--release-backups")
        host.json("gc", "--plan", plan)
        host.json("gc", "--apply", plan)
        late = record.read_text().splitlines()[len(before) :]
    assert {name.split(".")[0] for name in late} == {"createrepo_c"}


def test_another_process_loads_what_only_migrations_need(host: Host, tmp_path: Path) -> None:
    record = tmp_path / "record"
    with recorded(host, record):
        assert "revision None to 0003" in host.log()
    loaded = {name.split(".")[0] for name in record.read_text().splitlines()}
    assert "fuel_upgrade" in loaded
    assert not {"alembic", "createrepo_c"} & loaded
