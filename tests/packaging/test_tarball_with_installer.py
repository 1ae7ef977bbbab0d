"""One file is all that an operator carries: a tarball with the installer, on bare systems."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from fuel_upgrade import __version__
from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.system.progress import no_progress
from tests.builders import Fake, apt_repo, openstack_yaml, spec_of, write
from tests.packaging.gate import GATED, Gate
from tests.packaging.installers import installer, version_in
from tests.packaging.life import daemon, version
from tests.packaging.machines import (
    SUITES,
    booted,
    busybox_root,
    debian,
    needs_machines,
    rpm_root,
    run_in,
)
from tests.tools import needs

pytestmark = [*needs_machines(), needs("busybox", "rpmbuild", "rpm", "dnf", "createrepo_c")]
NAME = "fuel-6.0-upgrade.tar"
SETTINGS = "master_ip: 127.0.0.1\nregistry: {port: 8765}\n"
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


@pytest.mark.parametrize("suite", SUITES)
def test_a_debian_under_systemd_gets_tool_and_release(
    suite: str, tmp_path: Path, tarball: Path
) -> None:
    root = tmp_path / "root"
    with booted(debian(suite), root) as machine:
        prepare(root, tarball)
        assert machine.attempt("command -v python3 zstd").returncode != 0
        assert_installed(root, machine.run(BY_HAND))
        assert machine.run("systemctl is-enabled fuel-upgrade").strip() == "enabled"
        assert version_in(machine.run("fuel-upgrade --version")) == __version__
        machine.run("fuel-upgrade rollback")
        assert (root / "etc/fuel/version.yaml").readlink() == Path("5.1/version.yaml")


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
    with booted(debian("bookworm"), tmp_path / "root") as machine:
        prepare(machine.root, tarball)
        machine.put(installer(), installer("99.0"))
        gate = Gate(machine)
        machine.run(f"sh {installer().name}")
        before = daemon(machine)
        with gate.install(NAME) as install:
            assert "was not restarted" in machine.run(f"sh {installer('99.0').name}")
            assert version_in(machine.run("fuel-upgrade --version")) == "99.0"
            gate.open(fail=False)
            output, _ = install.communicate(timeout=GATED)
        assert install.returncode == 0, output
        assert daemon(machine) == before
        machine.run("fuel-upgrade rollback && systemctl restart fuel-upgrade")
        assert version(machine) == "99.0"
