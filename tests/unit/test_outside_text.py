"""Text from outside at every edge: terminal, errors, journal, JSON and reports."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.cli.console import echo
from fuel_upgrade.daemon.error_responses import PrintableResponse
from fuel_upgrade.daemon.response_models.install_forms import InstallForm, RecordedStepForm
from fuel_upgrade.errors import BundleError, UpgradeError, from_json
from fuel_upgrade.outside_text import MAX_CHARS, printable, printable_json
from fuel_upgrade.repo.report.package_changes import Change, ChangeKind, Report, summed
from fuel_upgrade.repo.report.render import render_html, render_markdown, render_text
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, StepRecord, StepState
from fuel_upgrade.upgrade.transaction.journal import Journal

ANY = st.text(st.characters(exclude_categories=()))  # surrogates too
HOSTILE = "a\x1b]0;t\x07\r\nb\x9b2J\x7f\u202ec\u2028d\udcffe[/b]"
RECORD = ChangeRecord("0badcafe", "/t", "", "5.0", "6.0", InstallState.RUNNING, 0.0)


@given(ANY)
def test_printable_text_is_one_line_for_every_terminal(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert printable(shown) == shown


def test_ordinary_text_stays_as_it_is() -> None:
    assert printable("[/b] Größe 6.0 \\x 日本") == "[/b] Größe 6.0 \\x 日本"


def test_a_long_text_keeps_its_start_and_its_end() -> None:
    shown = printable(f"start {'x' * 16_000_000} end")
    assert len(shown) < MAX_CHARS + 100
    assert shown.startswith("start x")
    assert shown.endswith("x end")


@given(st.dictionaries(ANY, st.lists(ANY, max_size=2), max_size=2))
def test_json_is_printable_utf_8(value: object) -> None:
    for indent in (None, 2):
        text = printable_json(value, indent=indent)
        assert all(line.isprintable() for line in text.split("\n"))
        again = json.dumps(json.loads(text.encode()), ensure_ascii=False)
        again.encode()  # in a parser that accepts no lone surrogate


@given(st.text())
def test_json_keeps_every_text_that_is_text(text: str) -> None:
    assert json.loads(printable_json([text])) == [text]


def test_an_error_is_printable_and_bounded_in_all_its_texts() -> None:
    error = BundleError(
        HOSTILE, remedy=HOSTILE, state=HOSTILE, failures=(HOSTILE, "x" * 20_000_000)
    )
    again = from_json(error.to_json())
    for shown in (error, error.amended(state=HOSTILE, remedy=HOSTILE, side=HOSTILE), again):
        texts = (str(shown), shown.what, shown.remedy, shown.state, *shown.failures)
        assert all(text.isprintable() for text in texts)
        assert sum(map(len, texts)) < 3 * MAX_CHARS


def test_an_error_has_a_bounded_number_of_failures() -> None:
    error = UpgradeError("w", remedy="r", failures=[f"failure {n}" for n in range(100_000)])
    assert len(error.failures) < 1000
    assert error.failures[-1].endswith(" more")


def test_the_journal_stores_text_that_is_no_text(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    record = replace(RECORD, subject=HOSTILE, note=HOSTILE)
    journal.begin(record, [StepRecord(1, "k", HOSTILE, {}, {}, StepState.PLANNED)])
    journal.stuck(RECORD.id, 1, HOSTILE)
    journal.note(RECORD.id, HOSTILE)
    run = journal.hook_started(RECORD.id, "p", "n", started_s=0)
    journal.hook_ended(run, exit_code=1, output=HOSTILE, ended_s=1)
    (read,), (step,) = journal.installs(), journal.steps(RECORD.id)
    for text in (read.subject, read.note, step.title, step.error):
        assert text is not None
        text.encode()
    journal.hook_runs(RECORD.id)[0].output.encode()


def test_a_journal_row_with_a_lone_surrogate_is_answered(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.begin(RECORD)
    old = {"what": HOSTILE, "remedy": "r", "state": "s", "exit_code": 3, "error": "bad-bundle"}
    with closing(sqlite3.connect(tmp_path / "j")) as db, db:
        db.execute("UPDATE install SET error = ?", (json.dumps(old),))  # as older versions did
    form = InstallForm.model_validate(journal.installs()[0])
    answer = PrintableResponse(form.to_json()).body
    assert json.loads(bytes(answer))["error"]["what"] == printable(HOSTILE)


def test_an_answer_of_the_api_is_valid_utf_8() -> None:
    step = RecordedStepForm(number=1, kind="k", title=HOSTILE, state=StepState.DONE, error=HOSTILE)
    answer = bytes(PrintableResponse(step.to_json()).body).decode()
    assert answer.isprintable()


def test_a_printed_text_sends_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    echo(HOSTILE)
    assert all(line.isprintable() for line in capsys.readouterr().out.split("\n"))


def test_only_the_console_prints_for_the_commands() -> None:
    folder = Path(__file__).parents[2] / "fuel_upgrade/cli"
    users = [p.name for p in folder.rglob("*.py") if "click.echo(" in p.read_text()]
    assert users == ["console.py"]


@pytest.mark.parametrize("render", [render_text, render_markdown, render_html])
def test_a_report_has_no_control_character(render: Callable[[Report], str]) -> None:
    change = Change(ChangeKind.ADDED, HOSTILE, HOSTILE, (), (HOSTILE,), (), 0, 0, (), (HOSTILE,))
    repo = summed(HOSTILE, (change,), new_packages=1, new_bytes=1, note=HOSTILE)
    lines = render(Report(HOSTILE, (repo,))).split("\n")
    assert all(line.isprintable() for line in lines)
