"""Access to the daemon: root, and the members of one group."""

import grp
import stat
from pathlib import Path

import pytest
import yaml

from fuel_upgrade.config import Config
from tests.host import Host
from tests.tools import needs_root

OTHER = "daemon"  # a group of every Linux
CONFIG = {"master_ip": "127.0.0.1", "registry": {"port": 0}}


def socket_of(host: Host, **settings: object) -> tuple[int, str]:
    """Return mode and group of the socket of a daemon with these settings."""
    path = host.root / "etc/fuel-upgrade/config.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, **settings}))
    with host.daemon():
        info = (host.root / "run/fuel-upgrade/api.sock").stat()
    return stat.S_IMODE(info.st_mode), grp.getgrgid(info.st_gid).gr_name


@needs_root()
def test_the_group_of_the_settings_may_open_the_socket(host: Host) -> None:
    assert socket_of(host, socket_group=OTHER) == (0o660, OTHER)


@pytest.mark.parametrize("group", ["no-such-group", ""])
def test_without_that_group_the_socket_stays_with_the_daemons_own(host: Host, group: str) -> None:
    own = grp.getgrgid(Path(host.root).stat().st_gid).gr_name
    assert socket_of(host, socket_group=group) == (0o660, own)


def test_the_group_is_the_one_that_the_packages_make() -> None:
    text = (Path(__file__).parents[2] / "packaging/files/sysusers.conf").read_text()
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    assert lines == [["g", Config().socket_group, "-"]]
