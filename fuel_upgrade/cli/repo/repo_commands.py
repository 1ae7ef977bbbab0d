"""``fuel-upgrade repo``: diff repos, on the build side."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.console import print_json
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.option_values import PATH, REPO
from fuel_upgrade.cli.progress_bar import progress_bar
from fuel_upgrade.cli.repo.prove_command import dependency_options


@command(
    "fuel-upgrade repo diff 5.1/ubuntu 6.0/ubuntu -o diff-ubuntu",
    "fuel-upgrade repo diff 5.1.tar 6.0.tar -o diff --sign-with 4F21A0B3",
    "fuel-upgrade repo diff 5.1/centos 6.0/centos -o look --indexes-only --json",
)
@click.argument("base", type=REPO)
@click.argument("current", type=REPO)
@click.option("-o", "--output", "out", type=PATH, required=True, help="The new folder to write.")
@click.option("--copy", is_flag=True, help="Copy packages; the default is to hard-link them.")
@click.option("--verify", is_flag=True, help="Also check the content of hard-linked packages.")
@click.option("--suite", help="The apt suite of CURRENT, if it has several.")
@click.option("--base-suite", help="The apt suite of BASE, if it has several.")
@click.option("--label", help="The Label of the diff repo's Release file, which pins match.")
@click.option("--indexes-only", is_flag=True, help="Leave the packages out: only look at a diff.")
@dependency_options
@click.option("--sign-with", metavar="KEYID", help="Sign the repo's index by gpg with this key.")
@click.option("--gpg-home", type=PATH, help="The folder of gpg's keyring; default: gpg's own.")
@click.option("--no-original", is_flag=True, help="Do not carry CURRENT's own indexes.")
@click.option(
    "--by-hash/--no-by-hash", default=None, help="Name apt indexes by checksum; as CURRENT does."
)
@click.option("--without-translations", is_flag=True, help="Drop apt's translated descriptions.")
@click.option("--with-contents", is_flag=True, help="Carry apt's lists of files (Contents).")
@click.option(
    "--strict-extras", is_flag=True, help="Refuse unreadable yum metadata beside primary."
)
@click.option("--keyring", type=PATH, help="Of a URL: keys that must have signed its index.")
@click.option(
    "--arch", "architectures", multiple=True, help="Of an apt URL: only these; may be repeated."
)
@click.option("--cache", type=PATH, help="Of a URL: keep its files here; default: ~/.cache.")
def diff(  # noqa: PLR0913 - one parameter an option
    *,
    base: Path | str,
    current: Path | str,
    out: Path,
    check_dependencies: bool,
    strict: bool,
    keyring: Path | None,
    architectures: tuple[str, ...],
    cache: Path | None,
    as_json: bool,
    **choices: Any,
) -> None:
    """Write the repo of the packages of CURRENT that BASE lacks.

    BASE and CURRENT are folders, tar archives or URLs (http, https) of two apt or two yum repos;
    BASE may itself be a diff repo. Of URLs the indexes are fetched, and of CURRENT the packages
    that BASE lacks. Packages are compared by the checksums in the indexes, never by version.
    The output is a valid repo with indexes of its own. It appears only if it is complete and
    proved: with BASE it is all of CURRENT. Hard links share their content with CURRENT: do not
    change packages there in place.
    """
    from fuel_upgrade.cli.repo.diff_choices import diff_options
    from fuel_upgrade.cli.repo.repo_output import end_strictly, show_dependencies, show_diff
    from fuel_upgrade.repo.build import build_diff
    from fuel_upgrade.repo.proof.read_proof import read_dependencies

    options = diff_options(**choices)
    with progress_bar(quiet=as_json) as progress, ExitStack() as stack:
        if isinstance(base, str) or isinstance(current, str):
            # Imported here because only URLs need the libraries of HTTP.
            from fuel_upgrade.repo.remote.download import default_cache
            from fuel_upgrade.repo.remote.local_pair import local_pair
            from fuel_upgrade.repo.remote.mirror import MirrorOptions

            mirror = MirrorOptions(architectures=architectures, keyring=keyring)
            pair = local_pair(
                base, current, options, mirror=mirror, cache=cache or default_cache(),
                progress=progress,
            )  # fmt: skip
            base, current, options = stack.enter_context(pair)
        description = build_diff(base, current, out, options, progress=progress)
        checks = check_dependencies or strict
        report = read_dependencies(current, suite=options.suite) if checks else None
    if as_json:
        checked = {"dependencies": report.to_json()} if report else {}
        print_json({"path": str(out), **description.to_json(), **checked})
    else:
        show_diff(out, description)
        show_dependencies(report)
    end_strictly(report, strict=strict)


@command("fuel-upgrade repo view diff-6.1 diff-6.0 5.1/ubuntu -o view-6.1")
@click.argument("newest", metavar="DIFF", type=PATH)
@click.argument("bases", metavar="BASE...", type=PATH, nargs=-1)
@click.option("-o", "--output", "out", type=PATH, required=True, help="The new folder to write.")
@click.option("--copy", is_flag=True, help="Copy packages; the default is to hard-link them.")
@click.option("--verify", is_flag=True, help="Also check the content of hard-linked packages.")
@click.option("--suite", help="The apt suite, if DIFF is a full repo with several.")
def view(  # noqa: PLR0913 - one parameter an option
    *,
    newest: Path,
    bases: tuple[Path, ...],
    out: Path,
    copy: bool,
    verify: bool,
    suite: str | None,
    as_json: bool,
) -> None:
    """Write the full view of a diff repo, which needs no base.

    DIFF and its bases, newest first, are folders or tar archives. The packages are hard-linked
    and take no disk space; the indexes and their signatures are those of the repo from which the
    diff was made. A node that has the view as its only source gets exactly the release.
    Hard links share their content: do not change packages in place.
    """
    from fuel_upgrade.cli.repo.view_output import show_view
    from fuel_upgrade.repo.build import DiffOptions
    from fuel_upgrade.repo.fullview.view import build_view

    options = DiffOptions(link=not copy, verify_links=verify, suite=suite)
    with progress_bar(quiet=as_json) as progress:
        full_view = build_view((newest, *bases), out, options, progress=progress)
    show_view("full view", out, full_view, as_json=as_json)


@command("fuel-upgrade repo squash diff-6.1 diff-6.0 5.1/ubuntu -o full-6.1 --copy")
@click.argument("newest", metavar="DIFF", type=PATH)
@click.argument("bases", metavar="BASE...", type=PATH, nargs=-1)
@click.option("-o", "--output", "out", type=PATH, required=True, help="The new folder to write.")
@click.option("--copy", is_flag=True, help="Copy packages; the default is to hard-link them.")
def squash(*, newest: Path, bases: tuple[Path, ...], out: Path, copy: bool, as_json: bool) -> None:
    """Write the newest release of a chain as a full repo.

    Its bases can be retired then. DIFF and its bases, newest first, are folders or tar archives.
    Unlike repo view, it reads and checks the content of every package. A hard-linked package stays
    when the base is removed.
    """
    from fuel_upgrade.cli.repo.view_output import show_view
    from fuel_upgrade.repo.build import DiffOptions
    from fuel_upgrade.repo.fullview.squash import squash as squash_repos

    with progress_bar(quiet=as_json) as progress:
        full_repo = squash_repos(
            (newest, *bases), out, DiffOptions(link=not copy), progress=progress
        )
    show_view("full repo", out, full_repo, as_json=as_json)
