"""Following a job with Ctrl-C, at the moments that no test of the real command can hit."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from fuel_upgrade.cli.client import DaemonClient
from fuel_upgrade.cli.follow import follow


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
