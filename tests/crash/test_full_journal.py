"""An install whose end cannot be recorded has not succeeded."""

from pathlib import Path

import pytest

from fuel_upgrade.errors import RollbackError, StepError
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.records import InstallState
from fuel_upgrade.upgrade.transaction.journal import Journal
from tests.master import scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


class NoRoomForTheEnd(Journal):
    """A journal whose disk is full when an install is to be recorded as done."""

    def mark(self, install: str, state: InstallState, **more: object) -> None:
        if state is InstallState.INSTALLED:
            raise RollbackError("the disk is full", remedy="free space")
        super().mark(install, state, **more)  # type: ignore[arg-type]  # as it was given


def test_an_install_whose_success_cannot_be_recorded_is_rolled_back(
    tmp_path: Path, tarballs: dict[str, Path]
) -> None:
    with scratch_master(tmp_path / "master") as master:
        before, engine = master.state(), master.engine()
        engine.journal = NoRoomForTheEnd(master.config.paths.journal)
        with pytest.raises(StepError, match="the disk is full") as caught:
            engine.install(tarballs["5.1"], install=new_id())
        assert caught.value.state == "rolled back to Fuel 5.0"
        assert master.state() == before
        assert engine.journal.installs()[-1].state is InstallState.ROLLED_BACK
