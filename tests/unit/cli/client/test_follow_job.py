"""Following a job with Ctrl-C, at the moments that no test of the real command can hit."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click
import pytest

from fuel_upgrade.cli.client.daemon_client import DaemonClient
from fuel_upgrade.cli.client.follow_job import event_lines, follow
from fuel_upgrade.errors import OutsideError, PreflightError


class Interrupted(DaemonClient):
    """A daemon whose job never ends, and an operator who presses Ctrl-C on request."""

    def __init__(self, *, at_cancel: bool) -> None:
        self.cancelled: list[str] = []
        self._at_cancel = at_cancel

    def events(self, job: str) -> Iterator[dict[str, Any]]:
        yield {"event": "step", "number": 1, "of": 9, "title": f"of {job}"}
        raise KeyboardInterrupt

    def post(
        self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
    ) -> Any:
        self.cancelled.append(path)
        if self._at_cancel:
            raise KeyboardInterrupt
        return {}


def test_a_second_ctrl_c_during_the_cancel_request_still_prints_how_to_follow_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = Interrupted(at_cancel=True)
    with pytest.raises(KeyboardInterrupt):
        follow(client, "7f3a", as_json=False, cancels=True)
    assert client.cancelled == ["/jobs/7f3a/cancel"]
    assert "fuel-upgrade status --follow" in capsys.readouterr().err


def test_lines_from_before_the_first_ctrl_c_are_not_printed_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = Interrupted(at_cancel=False)
    with pytest.raises(KeyboardInterrupt):
        follow(client, "7f3a", as_json=False, cancels=True)
    assert client.cancelled == ["/jobs/7f3a/cancel"]
    shown = capsys.readouterr().err
    assert shown.count("[1/9] of 7f3a") == 1
    assert "Ctrl-C again to leave" in shown
    assert "fuel-upgrade status --follow" in shown


def test_with_json_ctrl_c_is_the_last_event(
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = Interrupted(at_cancel=False)
    with pytest.raises(click.exceptions.Exit) as caught, event_lines(as_json=True):
        follow(client, "7f3a", as_json=True, cancels=True)
    assert caught.value.exit_code == 130
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["error"], last["exit_code"]) == ("error", "interrupted", 130)


def test_a_job_that_can_no_longer_be_cancelled_is_followed_to_its_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class GoesBack(Interrupted):
        def events(self, job: str) -> Iterator[dict[str, Any]]:
            yield {"event": "failed", "install": job, "what": "disk full"}
            if not self.cancelled:
                raise KeyboardInterrupt
            yield {"event": "result", "changed": True, "result": {"id": job}}

        def post(
            self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
        ) -> Any:
            self.cancelled.append(path)
            raise PreflightError("job 7f3a is being undone", remedy="wait")

    result = follow(GoesBack(at_cancel=False), "7f3a", as_json=False, cancels=True)
    assert result == {"id": "7f3a"}
    assert capsys.readouterr().err == "failed: disk full\njob 7f3a is being undone\n"


class Scripted(DaemonClient):
    """A daemon whose job has these events."""

    def __init__(self, *lines: Any) -> None:
        self._lines = lines

    def events(self, job: str) -> Iterator[Any]:
        del job
        yield from self._lines


RESULT = {"event": "result", "changed": True, "result": {"id": "7f3a"}}


def test_a_stream_without_a_last_event_is_an_interrupted_connection() -> None:
    step = {"event": "step", "number": 1, "of": 9, "title": "unpack"}
    with pytest.raises(OutsideError, match="ended early"):
        follow(Scripted(step), "7f3a", as_json=False)


@pytest.mark.parametrize("line", [[], {}, {"event": 1}, {"event": "step", "number": "1"}])
def test_a_line_that_is_not_an_event_is_refused(line: Any) -> None:
    with pytest.raises(OutsideError, match="event"):
        follow(Scripted(line, RESULT), "7f3a", as_json=False)


def test_an_event_of_a_newer_daemon_is_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    newer = {"event": "comet", "tail": 3}
    assert follow(Scripted(newer, RESULT), "7f3a", as_json=False) == {"id": "7f3a"}
    assert capsys.readouterr() == ("", "")


def test_with_json_events_of_a_newer_daemon_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    newer = {"format": 1, "event": "comet", "tail": 3}
    follow(Scripted(newer, RESULT), "7f3a", as_json=True)
    assert json.loads(capsys.readouterr().out.splitlines()[0]) == newer
