"""One file is all that an operator carries: a tarball with the installer, on bare systems."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from fuel_upgrade import __version__
from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.system.progress import no_progress
from tests.builders import Fake, apt_repo, openstack_yaml, spec_of, write
from tests.packaging.installers import installer, version_in
from tests.packaging.roots import (
    DEBIAN,
    NEXT_DEBIAN,
    Machine,
    boot,
    busybox_root,
    debian_root,
    needs_roots,
    rpm_root,
    run_in,
)
from tests.tools import needs

pytestmark = [*needs_roots(), needs("busybox", "rpmbuild", "rpm", "dnf", "createrepo_c")]
NAME = "fuel-6.0-upgrade.tar"
SETTINGS = "master_ip: 127.0.0.1\nregistry: {port: 8765}\n"
#: A hook that waits until the test lets it go on; the daemon may write below /var/log.
GATE = """\
#!/bin/sh
: > /var/log/reached
until [ -e /var/log/go ]; do sleep 0.1; done
"""
BY_HAND = f"cd /root && tar -xf {NAME} upgrade.sh && sh upgrade.sh"


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full release for Ubuntu, which needs no base, with the installer."""
    folder = tmp_path_factory.mktemp("bundle")
    write(folder / "version.yaml", 'VERSION: {release: "6.0"}\n')
    write(folder / "openstack.yaml", yaml.safe_dump(openstack_yaml()))
    apt_repo(folder / "ubuntu", [Fake("one"), Fake("other")])
    release = {
        "openstack_yaml": "openstack.yaml",
        "version_yaml": "version.yaml",
        "repos": {"ubuntu": {"full": "ubuntu"}},
        "only": ["ubuntu"],
    }
    data = {
        "version_yaml": "version.yaml",
        "upgrade_from": ["5.1"],
        "installer": str(installer()),
        "releases": [release],
    }
    build_bundle(spec_of(data, folder), folder / NAME, progress=no_progress)
    return folder / NAME


def prepare(root: Path, tarball: Path) -> None:
    """Make the root a master of Fuel 5.1 that has the tarball, and nothing of ours."""
    write(root / "etc/fuel/5.1/version.yaml", 'VERSION:\n  release: "5.1"\n')
    (root / "etc/fuel/version.yaml").symlink_to("5.1/version.yaml")
    shutil.copy(tarball, root / "root")


def assert_installed(root: Path, output: str) -> None:
    assert "fuel-upgrade is not on this master: installing" in output
    assert "installed: Fuel 5.1 -> 6.0" in output
    assert (root / "etc/fuel/version.yaml").readlink() == Path("6.0/version.yaml")
    assert list((root / "var/www/nailgun").glob("*/ubuntu/x86_64/pool/main/*.deb"))
    assert not list((root / "var").rglob("*.run"))
    assert {path.name for path in (root / "root").iterdir()} >= {NAME, "upgrade.sh"}


@pytest.mark.parametrize("suite", [DEBIAN, NEXT_DEBIAN])
def test_a_debian_under_systemd_gets_tool_and_release(
    suite: str, tmp_path: Path, tarball: Path
) -> None:
    root = debian_root(suite, tmp_path / "root")
    prepare(root, tarball)
    with boot(root) as machine:
        assert machine.run("sh", "-c", "command -v python3 zstd", check=False).returncode != 0
        assert_installed(root, machine.run("sh", "-c", BY_HAND).stdout)
        assert machine.run("systemctl", "is-enabled", "fuel-upgrade").stdout.strip() == "enabled"
        assert version_in(machine.run("fuel-upgrade", "--version").stdout) == __version__
        machine.run("fuel-upgrade", "rollback")
        assert (root / "etc/fuel/version.yaml").readlink() == Path("5.1/version.yaml")
    shutil.rmtree(root)


@pytest.mark.parametrize("make_root", [busybox_root, rpm_root])
def test_a_root_without_systemd_or_libc_gets_tool_and_release(
    make_root: Callable[[Path], Path], tmp_path: Path, tarball: Path
) -> None:
    root = make_root(tmp_path / "root")
    prepare(root, tarball)
    write(root / "etc/fuel-upgrade/config.yaml", SETTINGS)
    output = run_in(root, "sh", "-c", f"{BY_HAND} && fuel-upgrade history").stdout
    assert_installed(root, output)
    assert (root / "etc/fuel-upgrade/config.yaml").read_text() == SETTINGS
    shutil.rmtree(root)


def test_zstd_that_is_not_there_is_named(tmp_path: Path, tarball: Path) -> None:
    root = busybox_root(tmp_path / "root")
    prepare(root, tarball)
    subprocess.run(["tar", "-xf", tarball, "-C", root / "root", "upgrade.sh"], check=True)
    subprocess.run(["zstd", "--quiet", "--rm", root / "root" / NAME], check=True)
    done = run_in(root, "sh", "/root/upgrade.sh", check=False)
    assert done.returncode == 3
    assert "install zstd, or get the tarball in the form .tar" in done.stderr


def test_the_tool_is_replaced_amid_an_install_which_ends_with_its_own_code(
    tmp_path: Path, tarball: Path
) -> None:
    root = debian_root(DEBIAN, tmp_path / "root")
    prepare(root, tarball)
    shutil.copy(installer(), root / "root/now.run")
    shutil.copy(installer("99.0"), root / "root/later.run")
    write(root / "etc/fuel-upgrade/hooks.d/before-register/50-gate", GATE).chmod(0o755)
    with boot(root) as machine:
        machine.run("sh", "/root/now.run")
        pid = daemon(machine)
        argv = machine.argv("fuel-upgrade", "install", f"/root/{NAME}")
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as install:
            until((root / "var/log/reached").exists)
            output = machine.run("sh", "/root/later.run").stdout
            assert "was not restarted" in output
            assert version_in(machine.run("fuel-upgrade", "--version").stdout) == "99.0"
            (root / "var/log/go").touch()
            said, _ = install.communicate(timeout=300)
        assert install.returncode == 0, said.decode()
        assert daemon(machine) == pid
        machine.run("fuel-upgrade", "rollback")
        machine.run("systemctl", "restart", "fuel-upgrade")
        assert '"99.0"' in machine.run("fuel-upgrade", "status", "--json").stdout
    shutil.rmtree(root)


def daemon(machine: Machine) -> str:
    show = ("systemctl", "show", "--property=MainPID", "--value", "fuel-upgrade")
    return machine.run(*show).stdout.strip()


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)
