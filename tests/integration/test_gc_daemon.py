"""Squash and gc through the real command and daemon, killed in the middle as well."""

import json
import signal
from pathlib import Path

import pytest
import yaml

from tests.host import Host
from tests.master import scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
OLD, NEW = "2014.1.1-5.1", "2014.2-6.0"


@pytest.fixture
def master(tmp_path: Path, tarballs: dict[str, Path]) -> Host:
    """A scratch root with 5.1 and its diff 6.0 installed; no daemon runs."""
    root = tmp_path / "root"
    with scratch_master(root) as made:
        made.install(tarballs["5.1"])
        made.install(tarballs["6.0"])
        made.engine().release_backups()
    config = root / "etc/fuel-upgrade/config.yaml"
    config.parent.mkdir()
    config.write_text(yaml.safe_dump({"master_ip": "127.0.0.1", "registry": {"port": 0}}))
    return Host(root)


def known(host: Host) -> list[tuple[str, list[object]]]:
    """Return the releases without the fields that change when they are posted again."""
    return sorted((r["name"], r["repos"]) for r in host.json("releases")["releases"])


def test_the_whole_life_of_a_retired_release(master: Host, tmp_path: Path) -> None:
    plan = tmp_path / "retire.json"
    with master.daemon():
        refused = master.command("gc", "--release", OLD, "--plan", plan)
        assert refused.returncode == 4
        assert f"base of release {NEW} (Juno on Ubuntu 12.04.4)" in refused.stderr
        assert not plan.exists()
        shown = master.command("squash", NEW, "--dry-run").stdout
        assert "merge repo 2014.2-6.0/ubuntu/x86_64 with its bases" in shown
        done = master.command("squash", NEW)
        assert f"squashed: release {NEW} needs no base any more" in done.stdout, done.stderr
        assert "can be undone: " in master.command("status").stdout
        assert "gc --release-backups" in master.command("gc").stdout
        assert master.json("gc", "--release-backups")["kind"] == "squash"
        before, releases = master.tree(), known(master)
        written = master.command("gc", "--plan", plan)
        assert "nothing can be retired" not in written.stdout
        assert master.tree() == before
        applied = master.json("gc", "--apply", plan)
        assert (applied["kind"], applied["tarball"]) == ("gc", f"retire {OLD}")
        assert {release["version"] for release in master.json("releases")["releases"]} == {NEW}
        undone = master.command("rollback", applied["id"])
        assert f"undone: retire {OLD}, id {applied['id']}" in undone.stdout
        assert (master.tree(), known(master)) == (before, releases)
        again = master.command("gc", "--apply", plan)  # the releases have new ids now
        assert (again.returncode, "is gone" in again.stderr) == (4, True)
        assert [r["kind"] for r in master.json("history")["installs"]] == ["install"] * 2 + [
            "squash",
            "gc",
        ]
        assert f"retire {OLD}" in master.command("history").stdout


def test_conflicting_options_and_files_without_a_plan_are_refused(
    master: Host, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("{}")
    with master.daemon():
        for argv, message in (
            (("gc", "--apply", file, "--release-backups"), "cannot be combined"),
            (("gc", "--apply", file), "no plan of fuel-upgrade gc"),
            (("gc", "--apply", tmp_path / "none"), "No such file"),
            (("gc", "--plan", file), "exists already"),
            (("squash", "2013"), "no release of this version"),
        ):
            done = master.command(*argv)
            assert (done.returncode, message in done.stderr) == (2, True), done.stderr
        nothing = master.json("gc")
        assert nothing["retire"] == []
        file.write_text(json.dumps(nothing))
        done = master.command("gc", "--apply", file)
        assert (done.returncode, "the plan retires nothing" in done.stderr) == (4, True)


@pytest.mark.parametrize("point", ["3:after", "5:before"])
def test_a_gc_killed_in_the_middle_is_rolled_back_at_the_next_start(
    master: Host, tmp_path: Path, point: str
) -> None:
    plan = tmp_path / "retire.json"
    with master.daemon():
        master.json("squash", NEW)
        master.json("gc", "--release-backups")
        master.json("gc", "--plan", plan)
        before, releases = master.tree(), known(master)
    with master.daemon(fail_points=f"{point}=kill") as process:
        assert master.command("gc", "--apply", plan).returncode == 7
        assert process.wait(timeout=120) == -signal.SIGKILL
    with master.daemon():
        assert (master.tree(), known(master)) == (before, releases)
        assert master.json("history")["installs"][-1]["state"] == "rolled back"
        plan.unlink()
        master.json("gc", "--plan", plan)
        assert master.json("gc", "--apply", plan)["state"] == "installed"


@pytest.mark.parametrize("point", ["3:after", "6:after"])
def test_a_squash_killed_in_the_middle_is_rolled_back_at_the_next_start(
    master: Host, point: str
) -> None:
    with master.daemon():
        before, releases = master.tree(), master.json("releases")["releases"]
    with master.daemon(fail_points=f"{point}=kill") as process:
        assert master.command("squash", NEW).returncode == 7
        assert process.wait(timeout=120) == -signal.SIGKILL
    with master.daemon():
        assert (master.tree(), master.json("releases")["releases"]) == (before, releases)
        assert master.json("squash", NEW)["state"] == "installed"
