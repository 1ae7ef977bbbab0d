"""``fuel-upgrade repo report`` and ``bundle report``: what changed, for people."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fuel_upgrade.bundle.changes import report_spec, report_tarball
from fuel_upgrade.cli.console import json_option
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.repo.render import RENDERERS
from fuel_upgrade.repo.report import Report
from fuel_upgrade.system.files import write_file

_PATH = click.Path(path_type=Path)


def _report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    form = click.option(
        "--format", "form", type=click.Choice(list(RENDERERS)), default="text", show_default=True,
        help="The form of the report; html is one page that needs nothing else.",
    )  # fmt: skip
    out = click.option("-o", "--output", "out", type=_PATH, help="Write it to this file instead.")
    return form(out(json_option(command)))


@click.command("report")
@click.argument("base", type=_PATH)
@click.argument("current", type=_PATH)
@click.option("--suite", help="The apt suite of CURRENT, where it has several.")
@click.option("--base-suite", help="The apt suite of BASE, where it has several.")
@_report_options
def report_repo(  # noqa: PLR0913 - one parameter an option
    *,
    base: Path,
    current: Path,
    suite: str | None,
    base_suite: str | None,
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Report what changed from BASE to CURRENT: each a folder or a tar archive of a repo.

    Rebuilt packages (same version, other content), upgraded, downgraded, added, removed and
    moved ones, with sizes. Only indexes are read; the packages need not be there.
    """
    # Only here: a master, which reports on tarballs, may lack the libraries of the build side.
    from fuel_upgrade.repo.evidence import Suites, report_repos  # noqa: PLC0415

    found = report_repos(base, current, suites=Suites(base=base_suite, current=suite))
    _put(Report("Changes of the repo", (found,)), "json" if as_json else form, out)


@click.command("report")
@click.argument("path", metavar="TARBALL_OR_BUNDLE_YAML", type=_PATH)
@_report_options
def report_bundle(*, path: Path, form: str, out: Path | None, as_json: bool) -> None:
    """Report what changes with a tarball, for each repo in it.

    Of a tarball only the front is read, where the diff.yaml files are. For a bundle.yaml its
    repos are compared; nothing is built.
    """
    is_spec = path.suffix in (".yaml", ".yml")
    _put((report_spec if is_spec else report_tarball)(path), "json" if as_json else form, out)


def _put(report: Report, form: str, out: Path | None) -> None:
    text = RENDERERS[form](report)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        write_file(out, text.encode())
    except OSError as error:
        raise ConfigError(f"{out}: {error}", remedy="name a file that can be written") from error
