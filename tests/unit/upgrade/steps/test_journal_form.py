"""The JSON of steps in the journal: an older journal must load, and a newer one look the same."""

from typing import Any

import pytest

from fuel_upgrade.upgrade.records import Json, StepRecord, StepState
from fuel_upgrade.upgrade.steps import created_releases, read_step, type_of
from fuel_upgrade.upgrade.steps.register import Register
from fuel_upgrade.upgrade.steps.step import Step
from fuel_upgrade.upgrade.steps.switch import Switch
from fuel_upgrade.upgrade.steps.unpack import Unpack

BODY = {"name": "Juno", "version": "2014.2-6.0", "operating_system": "Ubuntu", "roles": [{"a": 1}]}
DATA = {
    "puppet_manifests_source": "rsync://m/manifests/",
    "puppet_modules_source": "rsync://m/modules/",
    "repo_metadata": {
        "2014.2-6.0": "http://m/6.0 precise main",
        "5.1": "http://m/5.1 precise main",
    },
}
FORMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "unpack": (
        {
            "tarball": "/t.tar.zst",
            "seal_sha256": "5ea1",
            "roots": ["/repos/.fuel-upgrade/ab12"],
            "stagings": {"repos/": "/repos/.fuel-upgrade/ab12", "": "/state/staging/ab12"},
            "links": {"/fuel/.fuel-upgrade/ab12/link": "6.0/version.yaml"},
        },
        {"made": ["/repos/.fuel-upgrade", "/repos/.fuel-upgrade/ab12"]},
    ),
    "stage": ({"roots": ["/a", "/b"]}, {"made": []}),
    "switch": (
        {"staged": "/s", "live": "/l"},
        {"new": [7, 8], "existed": True, "old": [5, 6], "parents": ["/p"]},
    ),
    "view": ({"parts": ["/new", "/old"], "staged": "/s", "squash": True}, {}),
    "venvs": (
        {"root": "/v", "staged": "/v/.fuel-upgrade/ab12", "added": ["6.0"], "retired": []},
        {
            "changes": [
                {"key": ["1", "debian-12-x86_64", "api"], "old": None, "new_sha256": "5ea1"}
            ],
            "blobs": ["5ea1"],
            "is_first": True,
        },
    ),
    "register": ({"body": BODY, "adopt": None}, {"id": 7}),
    "tasks": (
        {"name": "Juno", "version": "2014.2-6.0", "operating_system": "Ubuntu", "puppet": "/p"},
        {"id": 7, "before": [{"id": "a", "type": "stage", "requires": []}]},
    ),
    "notify": ({"message": "new release"}, {"before": [1, 2]}),
    "retire": (
        {"live": "/l", "staged": "/s", "top": "/"},
        {"old": [1, 2], "parents": [{"path": "/p", "mode": 0o750, "owner": [0, 33]}]},
    ),
    "unregister": ({"id": 3, "body": BODY}, {}),
    "reregister": ({"id": 3, "data": DATA}, {"before": {**DATA, "priorities": {"5.1": 1050}}}),
    "hook": (
        {
            "point": "after-stage",
            "path": "/h/10-x",
            "undo": None,
            "context": {"point": "after-stage", "install": "ab12", "staging": ["/s"]},
        },
        {"exit_code": 0},
    ),
}


def recorded(kind: str, params: Json, facts: Json, state: StepState = StepState.DONE) -> StepRecord:
    return StepRecord(1, kind, "title", params, facts, state)


@pytest.mark.parametrize("kind", FORMS)
def test_a_step_is_written_as_it_was_read(kind: str) -> None:
    params, facts = FORMS[kind]
    step: Step[Any] = read_step(recorded(kind, params, facts))
    assert step.to_json() == params
    assert step.facts_to_json(step.facts_from_json(facts)) == facts


def test_a_view_of_an_older_journal_is_no_squash() -> None:
    assert read_step(recorded("view", {"parts": ["/a"], "staged": "/s"}, {})).to_json() == {
        "parts": ["/a"],
        "staged": "/s",
        "squash": False,
    }


def test_a_hook_that_has_not_run_has_no_exit_code_in_the_journal() -> None:
    step = read_step(recorded("hook", *FORMS["hook"]))
    assert step.facts_to_json(step.facts_from_json({})) == {}


def test_a_step_that_has_not_begun_has_no_facts() -> None:
    planned = recorded("switch", FORMS["switch"][0], {}, StepState.PLANNED)
    assert list(Switch.begun([planned])) == []
    assert [str(step.live) for step in Switch.among([planned])] == ["/l"]


def test_an_adopted_release_counts_as_not_created() -> None:
    created = recorded("register", *FORMS["register"])
    adopted = recorded("register", {"body": BODY, "adopt": 5}, {"id": 5})
    lost = recorded("register", {"body": BODY, "adopt": None}, {"id": None}, StepState.INTENDED)
    planned = recorded("register", {"body": BODY, "adopt": None}, {}, StepState.PLANNED)
    assert created_releases([created, adopted, lost, planned]) == {7}


def test_a_plan_may_be_carried_out_from_another_folder() -> None:
    (step,) = Unpack.among([recorded("unpack", *FORMS["unpack"])])
    assert step.comparable_json().keys() == FORMS["unpack"][0].keys() - {"tarball"}


def test_only_a_new_release_is_posted() -> None:
    methods = [call.method for call in Register(BODY, adopt=5).nailgun_calls()]
    assert methods == ["GET"]


def test_a_step_of_a_newer_version_is_refused_when_it_is_read() -> None:
    record = recorded("teleport", {}, {})
    assert not type_of(record).owns_backups
    with pytest.raises(ValueError, match="unknown kind of step: teleport"):
        read_step(record)


def test_malformed_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="live"):
        read_step(recorded("switch", {"staged": "/s"}, {}))
