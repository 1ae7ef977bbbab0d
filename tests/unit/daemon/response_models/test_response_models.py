"""The shapes of answers that no integration test compares as a whole."""

import json
from pathlib import Path

import pytest

from fuel_upgrade.daemon.job_progress import CurrentStep, JobProgress
from fuel_upgrade.daemon.jobs import JobStatus
from fuel_upgrade.daemon.response_models.error_form import ErrorForm
from fuel_upgrade.daemon.response_models.gc_forms import GcPlanForm
from fuel_upgrade.daemon.response_models.install_forms import InstallForm, WholeInstallForm
from fuel_upgrade.daemon.response_models.job_forms import JobStatusForm
from fuel_upgrade.daemon.response_models.release_forms import ReleaseForm
from fuel_upgrade.errors import ConfigError, PreflightError
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, RepoEntry
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, StepRecord, StepState
from fuel_upgrade.upgrade.releases.gc_plan import Content, GcPlan, Verdict

REPO = RepoEntry("2014.2-6.0", "http://m/6.0 precise main", 1050)
RELEASE = RegisteredRelease(
    3, "Juno", "2014.2-6.0", "Ubuntu", "available", OrchestratorData((REPO,), "", ""), (REPO,)
)
PLAN = GcPlan(
    "6.0",
    (Verdict(1, "Icehouse", "5.1", "Ubuntu", "free", ("http://m/5.1",), ("volumes_metadata",)),),
    (Content(Path("/r/5.1"), 10, 2, (1, 2)),),
    (),
    10,
)


def test_a_release_is_shown_as_the_command_reads_it() -> None:
    shown = ReleaseForm.model_validate(RELEASE).to_json()
    assert RegisteredRelease.from_json(shown) == RELEASE
    repo = {"name": REPO.name, "location": REPO.location, "priority": 1050}
    assert list(shown.items()) == [
        ("id", 3),
        ("name", "Juno"),
        ("version", "2014.2-6.0"),
        ("operating_system", "Ubuntu"),
        ("state", "available"),
        ("repos", [repo]),
        ("other_repos", [repo]),
    ]


def test_an_install_is_shown_with_its_times_and_an_error_of_an_earlier_version() -> None:
    recorded = {"error": "PreflightError", "what": "full", "state": "", "remedy": "r"}
    record = ChangeRecord(
        "ab120001", "/t", "s", "5.1", "6.0", InstallState.RUNNING, 0.5, error=recorded
    )
    shown = InstallForm.model_validate(record).to_json()
    assert (shown["started_at"], shown["ended_at"]) == ("1970-01-01T00:00:00.500+00:00", None)
    assert shown["error"]["format"] == 1
    assert "seal" not in shown


def test_a_failed_install_is_shown_with_its_steps() -> None:
    error = PreflightError("full", remedy="r").to_json()
    record = ChangeRecord(
        "ab120001", "/t", "s", "5.1", "6.0", InstallState.ROLLED_BACK, 0.5, error=error
    )
    step = StepRecord(1, "unpack", "unpack", {}, {}, StepState.REVERTED)
    whole = WholeInstallForm.of_record(record, steps=(step,), hooks=(), backups_bytes=7).to_json()
    shown = {"number": 1, "kind": "unpack", "title": "unpack", "state": "reverted", "error": None}
    assert whole == {
        **InstallForm.model_validate(record).to_json(),
        "steps": [shown],
        "hooks": [],
        "backups_bytes": 7,
    }
    assert whole["error"] == error


def test_bytes_of_a_job_are_shown_only_where_its_part_is_measured_in_bytes() -> None:
    progress = JobProgress("packages", step=CurrentStep(1, None, "s"), done=3, total=5)
    status = JobStatus("id", "gc", 0.0, progress, 1.0, stopping=False, waiting=("next",))
    shown = JobStatusForm.of_job(status).to_json()
    assert (shown["bytes_done"], shown["bytes_total"]) == (None, None)
    assert shown["step"] == {"number": 1, "of": None, "title": "s"}
    assert list(shown)[:4] == ["id", "kind", "started_at", "doing"]
    assert shown["waiting"] == ["next"]


def test_a_gc_plan_reads_back_as_it_was_written() -> None:
    text = json.dumps(GcPlanForm.model_validate(PLAN).to_json())
    assert GcPlanForm.parse(json.loads(text)) == PLAN


@pytest.mark.parametrize(
    "data", [None, [], {}, PLAN, {**GcPlanForm.model_validate(PLAN).to_json(), "format": 2}]
)
def test_another_body_is_refused_as_a_gc_plan(data: object) -> None:
    with pytest.raises(ConfigError, match="no plan of fuel-upgrade gc"):
        GcPlanForm.parse(data)


def test_text_that_no_answer_can_carry_is_escaped_in_an_error() -> None:
    error = PreflightError("/\udcff", remedy="r", failures=("/\udcff",))
    shown = ErrorForm.model_validate(error.to_json()).to_json()
    assert (shown["what"], shown["failures"]) == ("/\\udcff", ["/\\udcff"])
