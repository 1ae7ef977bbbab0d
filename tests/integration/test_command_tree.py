"""Every command, as its help shows it: examples, 80 columns, and no library loaded for it."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fuel_upgrade.cli import option_values
from fuel_upgrade.cli.client.socket_path import _DEFAULT_CONFIG, _DEFAULT_SOCKET
from fuel_upgrade.cli.group import Lazy, LazyGroup
from fuel_upgrade.cli.main import main
from fuel_upgrade.config import DEFAULT_PATH, DIALECTS, Paths

BLOCKED = ("createrepo_c", "fastapi", "sqlalchemy", "pydantic", "httpx", "zstandard")
#: All that a group needs to show its help, to complete and to refuse.
LIGHT = {
    "main", "commands", "group", "console", "text_columns",
    "client", "client.daemon_client", "client.socket_path",
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A command or a group, and the words that call it."""

    words: tuple[str, ...]
    command: click.Command
    lazy: Lazy | None = None


def walk(group: LazyGroup, words: tuple[str, ...] = ()) -> Iterator[Node]:
    yield Node(words, group)
    context = click.Context(group)
    for name in group.list_commands(context):
        child = group.get_command(context, name)
        assert child is not None
        if isinstance(child, LazyGroup):
            yield from walk(child, (*words, name))
        else:
            yield Node((*words, name), child, group.lazy[name])


NODES = list(walk(main))
COMMANDS = [node for node in NODES if node.lazy is not None]


@cache
def show_help(node: Node) -> str:
    shown = CliRunner().invoke(main, [*node.words, "--help"], prog_name="fuel-upgrade")
    assert shown.exit_code == 0, shown.output
    return shown.output


def examples_of(node: Node) -> list[str]:
    _, _, examples = show_help(node).partition("\n  Examples:\n")
    return examples.replace("\\\n", "").splitlines()


def test_each_help_has_an_example() -> None:
    starts = {node: " ".join(("    fuel-upgrade", *node.words)) for node in NODES}
    without = [
        start
        for node, start in starts.items()
        if not any(line.startswith(start) for line in examples_of(node))
    ]
    assert without == []


def test_each_help_fits_80_columns() -> None:
    lines = {(node.words, line) for node in NODES for line in show_help(node).splitlines()}
    assert {(words, line) for words, line in lines if len(line) > 80} == set()


def test_each_example_can_be_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fuel-6.0-upgrade.tar.zst").touch()  # some options want a file that is there
    refused = {}
    for line in (line for node in COMMANDS for line in examples_of(node)):
        command, _, _ = line.partition(" < ")
        try:
            parse(main, shlex.split(command.partition(" > ")[0])[1:])
        except click.ClickException as error:
            refused[line] = error.format_message()
    assert refused == {}


def words_left(context: click.Context) -> list[str]:
    """Return the words that a group left to its command, in any version of click."""
    before = getattr(context, "_protected_args", None)
    return [*(context.protected_args if before is None else before), *context.args]


def parse(command: click.Command, argv: list[str], parent: click.Context | None = None) -> None:
    """Parse a command line, and the words after each group; run nothing."""
    context = command.make_context(command.name or "", list(argv), parent=parent)
    if isinstance(command, click.Group) and (rest := words_left(context)):
        _, child, args = command.resolve_command(context, rest)
        assert child is not None
        parse(child, args, context)


def test_each_short_help_is_the_first_sentence_of_the_help() -> None:
    short = {node.words: node.lazy.short_help for node in COMMANDS if node.lazy}
    assert short == {
        node.words: node.command.get_short_help_str(limit=200).rstrip(".") for node in COMMANDS
    }


def test_each_command_gives_json() -> None:
    without = [
        node.words
        for node in COMMANDS
        if "as_json" not in {parameter.name for parameter in node.command.params}
    ]
    assert without == []


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_help_of_a_group_loads_no_module_of_a_command() -> None:
    groups = [node.words for node in NODES if node.lazy is None]
    code = f"""
import contextlib, io, sys
from fuel_upgrade.cli.main import main
for words in {groups!r}:
    for argv in ([*words, "--help"], [*words, "no-such-command"]):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            with contextlib.suppress(SystemExit):
                main(argv)
print(*(name for name in sys.modules if name.startswith("fuel_upgrade.cli.")))
print(*({{"rich", "structlog", "yaml", "http.client", "psutil"}} & set(sys.modules)))
"""
    modules, libraries = python(code).split("\n")[:2]
    assert {name.removeprefix("fuel_upgrade.cli.") for name in modules.split()} <= LIGHT
    assert libraries == ""


def test_every_help_is_shown_without_the_libraries_of_the_build_side_and_of_the_daemon() -> None:
    words = [node.words for node in NODES]
    code = f"""
import sys
sys.modules.update(dict.fromkeys({BLOCKED!r}))  # an import of one fails, as if it were not there
from fuel_upgrade.cli.main import main
for words in {words!r}:
    try:
        main([*words, "--help"])
    except SystemExit as end:
        assert not end.code, words
"""
    assert python(code).count("Examples:") == len(words)


def test_completing_a_name_loads_no_module_of_a_command() -> None:
    expected = {
        "fuel-upgrade rep": {"repair", "repo"},
        "fuel-upgrade repo ": {"diff", "prove", "report", "squash", "view"},
        "fuel-upgrade registry user r": {"remove"},
        "fuel-upgrade --so": {"--socket"},
        "fuel-upgrade mistyped sta": {"status"},
    }
    code = f"""
import contextlib, io, json, os, sys
from fuel_upgrade.cli.main import main
os.environ["_FUEL_UPGRADE_COMPLETE"] = "bash_complete"
answers = {{}}
for words in {list(expected)!r}:
    os.environ.update(COMP_WORDS=words, COMP_CWORD=str(words.count(" ")))
    output = io.TextIOWrapper(io.BytesIO(), write_through=True)  # click writes bytes
    with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        main([])
    modules = [name for name in sys.modules if name.startswith("fuel_upgrade.cli.")]
    answers[words] = (output.buffer.getvalue().decode(), modules)
print(json.dumps(answers))
"""
    for words, (answer, modules) in json.loads(python(code)).items():
        assert {line.partition(",")[2] for line in answer.splitlines()} == expected[words]
        assert {name.removeprefix("fuel_upgrade.cli.") for name in modules} <= LIGHT, words


@pytest.mark.parametrize(
    ("argv", "likely", "help_of"),
    [
        (["stauts"], "did you mean 'status'?", "fuel-upgrade --help"),
        (["repo", "dif"], "did you mean 'diff'?", "fuel-upgrade repo --help"),
        (["registry", "user", "ad"], "did you mean 'add'?", "fuel-upgrade registry user --help"),
        (["prove"], "did you mean 'repo prove'?", "fuel-upgrade --help"),
        (["status", "--jsn"], "--json", "fuel-upgrade status --help"),
        (["--sokcet", "x", "status"], "--socket", "fuel-upgrade --help"),
        (["zzz"], "there is no command 'zzz'", "fuel-upgrade --help"),
        (["show"], "ID", "fuel-upgrade show --help"),
    ],
)
def test_a_wrong_command_line_gets_three_lines_and_the_likely_word(
    argv: list[str], likely: str, help_of: str
) -> None:
    done = CliRunner().invoke(main, argv)
    error, state, remedy = done.stderr.splitlines()
    assert error.startswith("error:  fuel-upgrade")
    assert likely in error
    assert state == "state:  nothing was changed"
    assert remedy == f"remedy: see {help_of}"
    assert (done.stdout, done.exit_code) == ("", 2)


@pytest.mark.parametrize(
    "argv",
    [["--json", "stauts"], ["stauts", "--json"], ["repo", "--json", "dif"], ["--json", "repo"],
     ["show", "--json"], ["install", "--wait", "long", "--json", "x.tar"]],
)  # fmt: skip
def test_an_invalid_command_line_with_json_prints_json(argv: list[str]) -> None:
    done = CliRunner().invoke(main, argv)
    printed = json.loads(done.stdout)
    assert (printed["error"], printed["exit_code"], done.exit_code) == ("usage", 2, 2)
    assert printed["remedy"].endswith(" --help")
    assert done.stderr == ""


def test_a_word_behind_two_dashes_is_no_option() -> None:
    done = CliRunner().invoke(main, ["stauts", "--", "--json"])
    assert done.stdout == ""
    assert done.stderr.startswith("error:  ")


def test_a_group_without_a_command_shows_its_help_and_ends_with_2() -> None:
    done = CliRunner().invoke(main, ["repo"])
    assert "Examples:" in done.stdout
    assert done.exit_code == 2


@pytest.mark.parametrize("argv", [["--version", "--json"], ["--json", "--version"]])
def test_the_version_is_json_too(argv: list[str]) -> None:
    printed = json.loads(CliRunner().invoke(main, argv).stdout)
    assert list(printed) == ["format", "version"]


def test_allowed_option_values_are_those_of_their_enums() -> None:
    from fuel_upgrade.bundle.spec import OPERATING_SYSTEMS  # noqa: PLC0415 - slow, as choices says
    from fuel_upgrade.drill.verdict_table import Fault  # noqa: PLC0415
    from fuel_upgrade.repo.report.render import RENDERERS  # noqa: PLC0415

    assert option_values.OPERATING_SYSTEMS == OPERATING_SYSTEMS
    assert tuple(RENDERERS) == option_values.REPORT_FORMATS
    assert DIALECTS[1:] == option_values.REGISTRY_DIALECTS
    assert tuple(fault.value for fault in Fault) == option_values.FAULTS


def test_the_socket_is_where_the_settings_have_it_by_default() -> None:
    assert (DEFAULT_PATH, Paths().socket) == (_DEFAULT_CONFIG, _DEFAULT_SOCKET)
