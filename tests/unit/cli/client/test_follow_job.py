"""Following a job with Ctrl-C, at the moments that no test of the real command can hit."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click
import pytest

from fuel_upgrade.cli.client.daemon_client import DaemonClient
from fuel_upgrade.cli.client.follow_job import event_lines, follow
from fuel_upgrade.errors import PreflightError


class Interrupted(DaemonClient):
    """A daemon whose job never ends, and an operator who presses Ctrl-C when it is asked to."""

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


def test_a_second_ctrl_c_while_the_first_is_told_still_says_how_to_look_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = Interrupted(at_cancel=True)
    with pytest.raises(KeyboardInterrupt):
        follow(client, "7f3a", as_json=False, cancels=True)
    assert client.cancelled == ["/jobs/7f3a/cancel"]
    assert "fuel-upgrade status --follow" in capsys.readouterr().err


def test_what_was_shown_before_the_first_ctrl_c_is_not_shown_again(
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


def test_scripts_read_of_ctrl_c_in_the_last_event(capsys: pytest.CaptureFixture[str]) -> None:
    client = Interrupted(at_cancel=False)
    with pytest.raises(click.exceptions.Exit) as caught, event_lines(as_json=True):
        follow(client, "7f3a", as_json=True, cancels=True)
    assert caught.value.exit_code == 130
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["error"], last["exit_code"]) == ("error", "interrupted", 130)


def test_what_cannot_be_cancelled_any_more_is_shown_to_its_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class GoesBack(Interrupted):
        def events(self, job: str) -> Iterator[dict[str, Any]]:
            yield from [{"event": "failed", "what": "no room"}]
            if not self.cancelled:
                raise KeyboardInterrupt
            yield {"event": "result", "result": {"id": job}}

        def post(
            self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
        ) -> Any:
            self.cancelled.append(path)
            raise PreflightError("job 7f3a is being undone", remedy="wait")

    result = follow(GoesBack(at_cancel=False), "7f3a", as_json=False, cancels=True)
    assert result == {"id": "7f3a"}
    assert capsys.readouterr().err == "failed: no room\njob 7f3a is being undone\n"
