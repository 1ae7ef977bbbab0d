"""Command groups that load a command when it is called and exit with its exit code."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from fuel_upgrade.cli.console import echo, json_option, report, wants_json
from fuel_upgrade.errors import ConfigError, UpgradeError

PROGRAM = "fuel-upgrade"
_COMPLETE = "_FUEL_UPGRADE_COMPLETE"
_PIPE_CLOSED = 141  # 128 + SIGPIPE, as shells report it


class InterruptionError(UpgradeError):
    """The operator pressed Ctrl-C."""

    exit_code = 130  # 128 + SIGINT, as shells report it
    default_code = "interrupted"


def interrupted() -> InterruptionError:
    """Return the error of a command that Ctrl-C interrupted."""
    return InterruptionError("interrupted by Ctrl-C", remedy="run the command again")


class NoCommandError(click.UsageError):
    """A group was called without a command; its help lists them."""

    def __init__(self, context: click.Context) -> None:
        super().__init__("a command is missing", ctx=context)
        self.help = context.get_help()


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command that is not loaded yet: its module below ``cli``, its name and its short help."""

    place: str
    short_help: str

    def load(self) -> click.Command:
        """Import the module, and return the command."""
        module, _, attribute = self.place.partition(":")
        command = getattr(import_module(f"fuel_upgrade.cli.{module}"), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.place} is no command")
        return command


def examples(*lines: str) -> str:
    """Return the examples at the end of a help text, one a line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def command(
    *example_lines: str, name: str | None = None
) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command with examples in its help and ``--json`` as its ``as_json``."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        made = click.command(name, epilog=examples(*example_lines))(function)
        made.params.append(json_option(help_text="Print the result as JSON."))
        return made

    return decorate


class LazyGroup(click.Group):
    """A group whose help, completion and refusals load no module of its commands.

    Errors become messages, or JSON with ``--json``, and exit codes.
    """

    def __init__(
        self,
        name: str | None = None,
        lazy: Mapping[str, Lazy] | None = None,
        *,
        is_root: bool = False,
        **attributes: Any,
    ) -> None:
        super().__init__(name, **attributes)
        prints = is_root or self.invoke_without_command
        self.lazy = dict(lazy or {})
        self.params.append(
            json_option(
                help_text="Print the result as JSON; may also follow the command.",
                hidden=not prints,
                expose_value=False,
            )
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options before the command.

        Raises:
            NoCommandError: there is no command, and the group does nothing by itself.
        """
        if not args and not self.invoke_without_command and not ctx.resilient_parsing:
            raise NoCommandError(ctx)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the table."""
        del ctx
        return [*self.lazy, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command and return it, or None if there is no such command."""
        lazy = self.lazy.get(cmd_name)
        return super().get_command(ctx, cmd_name) if lazy is None else lazy.load()

    def short_helps(self) -> dict[str, str]:
        """Return the short help of each command, without loading it."""
        lazy = {name: command.short_help for name, command in self.lazy.items()}
        groups = {
            name: group.get_short_help_str(limit=200).rstrip(".")
            for name, group in self.commands.items()
        }
        return {**lazy, **groups}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands in the help."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self.short_helps().items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete the name of a command, or an option of the group."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=short_help)
            for name, short_help in self.short_helps().items()
            if name.startswith(incomplete)
        ]
        # click.Group.shell_complete loads every command for its help.
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the named command; refuse an unknown name and suggest a similar one."""
        is_known = args[0] in self.list_commands(ctx) or args[0].startswith("-")
        if is_known or ctx.resilient_parsing:  # a completion refuses nothing
            return super().resolve_command(ctx, args)
        likely = self._likely(args[0])
        hint = f"; did you mean {' or '.join(map(repr, likely))}?" if likely else ""
        raise click.UsageError(f"there is no command {args[0]!r}{hint}", ctx=ctx)

    def _likely(self, name: str) -> list[str]:
        from difflib import get_close_matches

        inside = [words for words in self._names() if words.rpartition(" ")[2] == name]
        return inside or get_close_matches(name, self._names())

    def _names(self) -> Iterator[str]:
        """Yield the name of each command; of commands in groups, all words."""
        yield from self.lazy
        for name, group in self.commands.items():
            yield name
            if isinstance(group, LazyGroup):
                yield from (
                    f"{name} {inner}" for inner in group.list_commands(click.Context(group))
                )

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command and end the process with its exit code.

        With ``standalone_mode=False``, return the result and raise errors.
        """
        argv = args[0] if args else kwargs.pop("args", None)
        prog_name = kwargs.pop("prog_name", None) or PROGRAM
        if not kwargs.pop("standalone_mode", True):
            return super().main(argv, prog_name, standalone_mode=False, **kwargs)
        if instruction := os.environ.get(_COMPLETE):
            from click.shell_completion import shell_complete

            sys.exit(shell_complete(self, kwargs, prog_name, _COMPLETE, instruction))
        sys.exit(self._run(list(sys.argv[1:] if argv is None else argv), prog_name, kwargs))

    def _run(self, argv: list[str], prog_name: str, extra: dict[str, Any]) -> int:
        as_json = wants_json(argv)
        try:
            with self.make_context(prog_name, list(argv), **extra) as context:
                result = self.invoke(context)
            sys.stdout.flush()  # here, where a closed pipe is handled
        except click.exceptions.Exit as end:
            return end.exit_code
        except BrokenPipeError:
            return _leave_pipe()
        except Exception as error:  # noqa: BLE001 - each becomes a message and an exit code
            return _end(error, as_json=as_json)
        except KeyboardInterrupt:
            return _end(click.exceptions.Abort(), as_json=as_json)
        return result if isinstance(result, int) else 0


def _end(error: Exception, *, as_json: bool) -> int:
    """Print the error that ended the command; return the exit code."""
    if isinstance(error, click.exceptions.Abort) and not as_json:
        echo("interrupted", err=True)
        return InterruptionError.exit_code
    if isinstance(error, NoCommandError) and not as_json:
        echo(error.help)
        return ConfigError.exit_code
    known = _known(error)
    try:
        report(known, as_json=as_json)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_pipe()
    return known.exit_code


def _known(error: Exception) -> UpgradeError:
    if isinstance(error, UpgradeError):
        return error
    if isinstance(error, click.exceptions.Abort):
        return interrupted()
    if isinstance(error, click.ClickException):
        return _usage(error)
    import traceback

    traceback.print_exception(error)
    return UpgradeError(
        f"unexpected: {error!r}", remedy="report this, with the lines that stderr shows"
    )


def _usage(error: click.ClickException) -> ConfigError:
    context = error.ctx if isinstance(error, click.UsageError) else None
    words = context.command_path if context else PROGRAM
    return ConfigError(
        f"{words}: {error.format_message().rstrip('.')}",
        remedy=f"see {words} --help",
        state="nothing was changed",
        code="usage",
    )


def _leave_pipe() -> int:
    """Redirect stdout to /dev/null, so that flushing the buffer at exit does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _PIPE_CLOSED
