"""A repair rolls back a failed install, and undoes a successful one."""

from pathlib import Path

import pytest

from fuel_upgrade.upgrade.records import ChangeRecord, InstallState
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.upgrade.transaction.recovery import mark_inconsistent, state_to_undo


@pytest.mark.parametrize(
    ("state", "to_undo"),
    [
        (InstallState.RUNNING, InstallState.ROLLING_BACK),
        (InstallState.ROLLING_BACK, InstallState.ROLLING_BACK),
        (InstallState.UNDOING, InstallState.UNDOING),
    ],
)
def test_an_inconsistent_install_keeps_its_direction(
    tmp_path: Path, state: InstallState, to_undo: InstallState
) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.begin(ChangeRecord("0001", "t.tar", "", "5.1", "6.0", state, 1.0))
    mark_inconsistent(journal, journal.installs()[0], 3, 2.0)
    given_up = journal.installs()[0]
    assert given_up.state is InstallState.INCONSISTENT
    assert state_to_undo(given_up) is to_undo
