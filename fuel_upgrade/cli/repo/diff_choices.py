"""The choices of ``fuel-upgrade repo diff``; loaded with the libraries of the build side."""

from pathlib import Path

from fuel_upgrade.repo.build import DiffOptions
from fuel_upgrade.repo.repo import IndexChoice
from fuel_upgrade.repo.sign import SigningKey


def diff_options(  # noqa: PLR0913 - one parameter an option
    *,
    copy: bool,
    verify: bool,
    suite: str | None,
    base_suite: str | None,
    label: str | None,
    indexes_only: bool,
    sign_with: str | None,
    gpg_home: Path | None,
    no_original: bool,
    by_hash: bool | None,
    without_translations: bool,
    with_contents: bool,
    strict_extras: bool,
) -> DiffOptions:
    """Return how to make a diff repo, by the options of ``fuel-upgrade repo diff``."""
    return DiffOptions(
        link=not copy,
        verify_links=verify,
        suite=suite,
        base_suite=base_suite,
        label=label,
        indexes_only=indexes_only,
        key=SigningKey(sign_with, gpg_home) if sign_with else None,
        original=not no_original,
        strict_extras=strict_extras,
        indexes=IndexChoice(by_hash, not without_translations, with_contents),
    )
