"""``fuel-upgrade repo report`` and ``bundle report``: readable reports of changes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.console import echo
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.operator_files import write_text
from fuel_upgrade.cli.option_values import PATH, REPORT_FORMATS


def _report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    form = click.option(
        "--format", "form", type=click.Choice(REPORT_FORMATS), default="text", show_default=True,
        help="The format of the report; html is one self-contained page.",
    )  # fmt: skip
    out = click.option("-o", "--output", "out", type=PATH, help="Write it to this file instead.")
    return form(out(command))


@command(
    "fuel-upgrade repo report 5.1/ubuntu 6.0/ubuntu",
    "fuel-upgrade repo report 5.1/ubuntu 6.0/ubuntu --format html -o changes.html",
    name="report",
)
@click.argument("base", type=PATH)
@click.argument("current", type=PATH)
@click.option("--suite", help="The apt suite of CURRENT, if it has several.")
@click.option("--base-suite", help="The apt suite of BASE, if it has several.")
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
    """Report the changes from BASE to CURRENT.

    Each is a folder or a tar archive of a repo. The report lists packages that are rebuilt
    (same version, other content), upgraded, downgraded, added, removed and moved, with sizes.
    Only indexes are read; the packages may be missing.
    """
    from fuel_upgrade.repo.proof.read_proof import Suites, report_repos
    from fuel_upgrade.repo.report.package_changes import Report
    from fuel_upgrade.repo.report.render import RENDERERS

    changes = report_repos(base, current, suites=Suites(base=base_suite, current=suite))
    report = Report("Changes of the repo", (changes,))
    _put(RENDERERS["json" if as_json else form](report), out)


@command(
    "fuel-upgrade bundle report fuel-6.0-upgrade.tar.zst",
    "fuel-upgrade bundle report bundle.yaml --format markdown -o CHANGES.md",
    name="report",
)
@click.argument("path", metavar="TARBALL_OR_BUNDLE_YAML", type=PATH)
@_report_options
def report_bundle(*, path: Path, form: str, out: Path | None, as_json: bool) -> None:
    """Report the changes that a tarball makes.

    Each repo in it is compared with its base. Only the header of a tarball is read, which has the
    diff.yaml files. For a bundle.yaml its repos are compared; nothing is built.
    """
    from fuel_upgrade.bundle.tarball_changes import report_spec, report_tarball
    from fuel_upgrade.repo.report.render import RENDERERS

    is_spec = path.suffix in (".yaml", ".yml")
    report = (report_spec if is_spec else report_tarball)(path)
    _put(RENDERERS["json" if as_json else form](report), out)


def _put(text: str, out: Path | None) -> None:
    if out is None:
        echo(text, nl=False)
    else:
        write_text(out, text)
