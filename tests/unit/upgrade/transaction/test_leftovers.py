"""A release is a leftover if the last change of its name posted it and was undone."""

from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.release.dialect import MapDialect
from fuel_upgrade.release.model import RegisteredRelease, RepoEntry
from fuel_upgrade.release.nailgun_repos import read_release
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, StepRecord, StepState
from fuel_upgrade.upgrade.steps.register import Register
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.upgrade.transaction.leftovers import find_leftovers
from tests.plan_inputs import described_release, orchestrator

REPO = RepoEntry("2014.2-6.0", "http://127.0.0.1:8080/2014.2-6.0/ubuntu/x86_64 trusty main")
BODY = MapDialect().body(described_release().fields, orchestrator(REPO))
RELEASE = read_release({**BODY, "id": 9})
UNDONE = [InstallState.ROLLED_BACK, InstallState.UNDONE]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite")


def add(journal: Journal, install: str, state: InstallState, *, adopt: int | None = None) -> None:
    step = Register(BODY, adopt)
    entry = StepRecord(4, step.kind, "register it", step.to_json(), {}, StepState.PLANNED)
    journal.begin(ChangeRecord(install, "/t", "", "5.1", "6.0", InstallState.RUNNING, 1.0), [entry])
    journal.intend(install, 4, {"id": adopt})
    journal.mark(install, state)


def leftovers(journal: Journal, *releases: RegisteredRelease) -> list[tuple[int, str, int]]:
    return [
        (leftover.release.id, leftover.change.id, leftover.number)
        for leftover in find_leftovers(journal, releases)
    ]


@pytest.mark.parametrize("state", UNDONE)
def test_a_release_of_an_undone_post_is_one(journal: Journal, state: InstallState) -> None:
    add(journal, "a", state)
    assert leftovers(journal, RELEASE) == [(9, "a", 4)]


def test_a_release_with_other_repos_is_none(journal: Journal) -> None:
    add(journal, "a", InstallState.ROLLED_BACK)
    other = MapDialect().body(
        described_release().fields, orchestrator(replace(REPO, location="http://x/ trusty main"))
    )
    assert leftovers(journal, read_release({**other, "id": 9})) == []


@pytest.mark.parametrize("state", [InstallState.INSTALLED, InstallState.ACCEPTED])
def test_a_release_of_a_later_change_is_none(journal: Journal, state: InstallState) -> None:
    """Its id may differ from that of the install: an undone gc registers it again."""
    add(journal, "a", InstallState.ROLLED_BACK)
    add(journal, "b", state)
    assert leftovers(journal, RELEASE) == []


def test_an_adopted_release_is_none(journal: Journal) -> None:
    add(journal, "a", InstallState.ROLLED_BACK, adopt=9)
    assert leftovers(journal, RELEASE) == []


def test_a_release_of_a_step_that_never_began_is_none(journal: Journal) -> None:
    step = Register(BODY, None)
    entry = StepRecord(4, step.kind, "register it", step.to_json(), {}, StepState.PLANNED)
    journal.begin(ChangeRecord("a", "/t", "", "5.1", "6.0", InstallState.ROLLED_BACK, 1.0), [entry])
    assert leftovers(journal, RELEASE) == []
