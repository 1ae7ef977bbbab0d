import json

import click
import pytest

from fuel_upgrade.cli.console import print_pairs, print_table
from fuel_upgrade.cli.group import LazyGroup
from fuel_upgrade.errors import PreflightError, RollbackError
from fuel_upgrade.system.size import say_size


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1 << 20, "1.0 MiB"), (3 << 30, "3.00 GiB")],
)
def test_sizes_are_said_for_people(count: int, text: str) -> None:
    assert say_size(count) == text


def run(error: BaseException, *argv: str) -> int:
    group = LazyGroup("g")

    @group.command(context_settings={"ignore_unknown_options": True})
    @click.argument("rest", nargs=-1)
    def fail(rest: tuple[str, ...]) -> None:
        raise error

    with pytest.raises(SystemExit) as caught:
        group.main(["fail", *argv])
    return int(caught.value.code or 0)


def test_an_error_is_told_with_state_and_remedy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = RollbackError("stuck", remedy="call somebody", state="NEEDS REPAIR")
    assert run(error) == 6
    assert capsys.readouterr().err == (
        "error:  stuck\nstate:  NEEDS REPAIR\nremedy: call somebody\n"
    )


def test_every_failed_check_has_its_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = PreflightError("a; b", remedy="fix", failures=("a", "b"))
    assert run(error) == 4
    assert "2 checks failed\n        - a\n        - b\n" in capsys.readouterr().err


def test_scripts_get_the_error_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = PreflightError("a", remedy="fix", failures=("a",))
    assert run(error, "--json") == 4
    printed = capsys.readouterr()
    assert json.loads(printed.out) == error.to_json()
    assert printed.err == ""


def test_pairs_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_pairs({"a": 1, "longer": 2})
    assert capsys.readouterr().out == "a:      1\nlonger: 2\n"


def test_nothing_is_cut_off_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name",), [("x" * 500,)], empty="none")
    assert "x" * 500 in capsys.readouterr().out
    print_table(("name",), [], empty="none")
    assert capsys.readouterr().out == "none\n"
