"""Output of reports of changes: to stdout or a file, in one of their formats."""

from pathlib import Path

import click

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.repo.report.package_changes import Report
from fuel_upgrade.repo.report.render import RENDERERS
from fuel_upgrade.system.files import write_file


def put_report(report: Report, form: str, out: Path | None) -> None:
    """Print a report, or write it to ``out``.

    Raises:
        ConfigError: the file cannot be written.
    """
    text = RENDERERS[form](report)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        write_file(out, text.encode())
    except OSError as error:
        raise ConfigError(f"{out}: {error}", remedy="name a file that can be written") from error
