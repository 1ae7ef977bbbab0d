"""What tests need from outside: absent on a laptop they are skipped, absent in CI they fail."""

import os
import shutil
from pathlib import Path

import pytest


def needs(*programs: str) -> pytest.MarkDecorator:
    """Mark a test, class or module as one that runs these programs.

    Without them the test is skipped with the reason; where ``CI`` is set it fails instead. For
    that the mark's condition is a text that pytest evaluates at each test: raising there fails
    that test alone, while failing here would stop the whole collection.
    """
    missing = [program for program in programs if shutil.which(program) is None]
    reason = f"needs {', '.join(missing)}, which this machine lacks"
    return _needed(is_there=not missing, reason=reason)


def needs_root() -> pytest.MarkDecorator:
    """Mark a test as one that changes roots and owners; without the right to, as :func:`needs`."""
    return _needed(is_there=os.geteuid() == 0, reason="needs to run as root")


def _needed(*, is_there: bool, reason: str) -> pytest.MarkDecorator:
    if is_there:
        return pytest.mark.skipif(False, reason="nothing is missing")  # noqa: FBT003 - its form
    if in_ci():
        return pytest.mark.skipif(f"__import__('pytest').fail({reason!r})", reason=reason)
    return pytest.mark.skip(reason=reason)


def shared_dir() -> Path:
    """Return the folder ``shared`` beside the repo; skip (in CI fail) where there is none."""
    path = Path(__file__).parents[2] / "shared"
    if not path.is_dir():
        reason = f"needs {path}, the project's data and contracts"
        if in_ci():
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def in_ci() -> bool:
    """Say whether this is a run that must not skip anything."""
    return bool(os.environ.get("CI"))
