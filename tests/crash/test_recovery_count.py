"""The number of recoveries before an operator must act."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.config import Recovery
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.events import Watch
from fuel_upgrade.upgrade.records import InstallState
from tests.master import scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


class Killed(BaseException):
    """Ends the engine as a kill does."""


def kill_at(event: str) -> Watch:
    def watch(told: Mapping[str, Any]) -> None:
        if told["event"] == event:
            raise Killed

    return watch


def test_recoveries_of_an_install_do_not_count_against_its_undo(
    tmp_path: Path, tarballs: dict[str, Path]
) -> None:
    with scratch_master(tmp_path / "master") as master:
        before = master.state()
        engine, install = master.engine(), new_id()
        with pytest.raises(Killed):
            engine.install(tarballs["5.1"], install=install, watch=kill_at("begin"))
        for _ in range(master.config.recovery.attempts - 1):
            with pytest.raises(Killed):
                engine.recover(watch=kill_at("recover"))
        (record,) = engine.recover(Recovery.RESUME)
        assert record.state is InstallState.INSTALLED
        with pytest.raises(Killed):
            engine.rollback(watch=kill_at("undo step"))
        (record,) = engine.recover()
        assert record.state is InstallState.UNDONE
        assert master.state() == before
