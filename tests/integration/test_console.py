import json
import os
import subprocess
import sys

import click
import pytest

from fuel_upgrade.cli.console import print_json, print_pairs, print_table, wants_json
from fuel_upgrade.cli.group import LazyGroup
from fuel_upgrade.errors import PreflightError, RollbackError
from fuel_upgrade.system.size import say_size


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1 << 20, "1.0 MiB"), (3 << 30, "3.00 GiB")],
)
def test_sizes_are_printed_with_units(count: int, text: str) -> None:
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


def test_an_error_is_printed_with_state_and_remedy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = RollbackError("stuck", remedy="call somebody", state="NEEDS REPAIR")
    assert run(error) == 6
    assert capsys.readouterr().err == (
        "error:  stuck\nstate:  NEEDS REPAIR\nremedy: call somebody\n"
    )


def test_an_error_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    error = RollbackError("a\x1b[2Jb", remedy="c\nd", state="e\x9bf")
    assert run(error) == 6
    assert capsys.readouterr().err == ("error:  a\\x1b[2Jb\nstate:  e\\x9bf\nremedy: c\\nd\n")


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


def test_a_mistake_of_ours_is_json_and_its_traceback_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(ZeroDivisionError("by nought"), "--json") == 1
    printed = capsys.readouterr()
    error = json.loads(printed.out)
    assert (error["error"], error["exit_code"]) == ("unexpected", 1)
    assert "by nought" in error["what"]
    assert "Traceback" in printed.err


def test_a_mistake_of_ours_has_three_lines_behind_its_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(ZeroDivisionError("by nought")) == 1
    *_, error, remedy = capsys.readouterr().err.splitlines()
    assert error.startswith("error:  unexpected: ZeroDivisionError")
    assert remedy.startswith("remedy: report this")


def test_ctrl_c_ends_with_130_and_is_json_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(KeyboardInterrupt(), "--json") == 130
    assert json.loads(capsys.readouterr().out)["error"] == "interrupted"
    assert run(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_one_failed_check_needs_no_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(PreflightError("a", remedy="fix", failures=("a", "a"))) == 4
    assert capsys.readouterr().err.startswith("error:  a\nstate: ")


def test_the_format_number_is_the_first_key(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_json({"a": 1, "format": "a file's own"})
    assert list(json.loads(capsys.readouterr().out).items()) == [("format", 1), ("a", 1)]


@pytest.mark.parametrize("argv", [["--version", "--json"], ["--help"], ["no-such", "--json"]])
def test_a_reader_that_is_gone_is_no_error_to_tell(argv: list[str]) -> None:
    code = "from fuel_upgrade.cli.main import main; main()"
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, *argv],
            stdout=write, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
        )  # fmt: skip
    finally:
        os.close(write)
    assert done.stderr == ""
    assert done.returncode in (2, 141)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["status", "--json"], True),
        (["--json", "status"], True),
        (["status"], False),
        (["status", "--", "--json"], False),
        (["--json", "--", "x"], True),
    ],
)
def test_the_json_option_counts_only_before_two_dashes(argv: list[str], expected: bool) -> None:  # noqa: FBT001
    assert wants_json(argv) is expected
