"""``fuel-upgrade selftest``: installs in a scratch root that are made to fail."""

from pathlib import Path

import click

from fuel_upgrade.cli.console import print_json
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.option_values import FAULTS
from fuel_upgrade.cli.progress_bar import progress_bar
from fuel_upgrade.errors import RollbackError

_TARBALL = click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True)
_FOLDER = click.Path(path_type=Path, file_okay=False, resolve_path=True)
_FAULT = click.Choice(FAULTS)


@command(
    "fuel-upgrade selftest", "fuel-upgrade selftest --faults --jobs 4 fuel-6.0-upgrade.tar.zst"
)
@click.argument("tarball", type=_TARBALL, required=False)
@click.option("--faults", is_flag=True, help="Fail every step, in every way, done and undone.")
@click.option(
    "--only",
    multiple=True,
    type=_FAULT,
    metavar="FAULT",
    help=f"Drill this fault; repeatable. One of {', '.join(FAULTS)}.",
)
@click.option("--step", "steps", multiple=True, type=int, help="Fail this step; repeatable.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    help="So many drills at a time, each in a scratch root of its own.",
)
@click.option("--keep", type=_FOLDER, help="Keep the scratch roots of drills that fail, here.")
@click.option(
    "--no-mounts",
    is_flag=True,
    help="Simulate full and read-only disks by errors, also as root.",
)
def selftest(  # noqa: PLR0913 - one argument an option
    *,
    tarball: Path | None,
    faults: bool,
    only: tuple[str, ...],
    steps: tuple[int, ...],
    jobs: int,
    keep: Path | None,
    no_mounts: bool,
    as_json: bool,
) -> None:
    """Install in a scratch root, and undo it, as a test.

    With --faults it is made to fail at every step. The default of TARBALL is a small one that is
    made for this. The command changes nothing on this host and needs no daemon. Each drill must end
    in the state before it (before) or installed (after); if the fault blocked the undo
    (inconsistent), repair must restore the state before.
    """
    from fuel_upgrade.cli.selftest.selftest_output import show_drill
    from fuel_upgrade.drill.drill_run import DrillRequest, drill
    from fuel_upgrade.drill.verdict_table import Fault

    options = DrillRequest(
        tarball=tarball,
        with_faults=faults or bool(only) or bool(steps),
        faults=frozenset(Fault(name) for name in only),
        steps=frozenset(steps),
        jobs=jobs,
        keep=keep,
        may_mount=not no_mounts,
    )
    with progress_bar(quiet=as_json) as progress:
        done = drill(options, progress)
    if as_json:
        print_json(done.to_json())
    else:
        show_drill(done)
    if done.wrong and not as_json:
        raise RollbackError(
            f"{len(done.wrong)} of {len(done.outcomes)} drills ended neither before nor after",
            remedy="report this, with the output of --json and the files of --keep",
            state="nothing of this host was changed",
        )
    if done.wrong:
        click.get_current_context().exit(RollbackError.exit_code)
