"""The number of recoveries before an operator must act."""

from pathlib import Path

import pytest

from fuel_upgrade.config import Recovery
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.events import (
    Event,
    InstallStarted,
    RecoveryStarted,
    StepUndoStarted,
    Watch,
)
from fuel_upgrade.upgrade.records import InstallState
from tests.master import scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


class Killed(BaseException):
    """Ends the engine as a kill does."""


def kill_at(kind: type[Event]) -> Watch:
    def watch(event: Event) -> None:
        if isinstance(event, kind):
            raise Killed

    return watch


def test_recoveries_of_an_install_do_not_count_against_its_undo(
    tmp_path: Path, tarballs: dict[str, Path]
) -> None:
    with scratch_master(tmp_path / "master") as master:
        before = master.state()
        engine, install = master.engine(), new_id()
        with pytest.raises(Killed):
            engine.install(tarballs["5.1"], install=install, watch=kill_at(InstallStarted))
        for _ in range(master.config.recovery.attempts - 1):
            with pytest.raises(Killed):
                engine.recover(watch=kill_at(RecoveryStarted))
        (record,) = engine.recover(Recovery.RESUME)
        assert record.state is InstallState.INSTALLED
        with pytest.raises(Killed):
            engine.rollback(watch=kill_at(StepUndoStarted))
        (record,) = engine.recover()
        assert record.state is InstallState.UNDONE
        assert master.state() == before
