"""Calls functions that read metadata in processes of their own: Python's lock allows one core."""

import marshal
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from fuel_upgrade.errors import BundleError, CommandError
from fuel_upgrade.system import process

SHORT_BYTES = 1 << 20
"""Metadata of up to this size is read here: to start a process takes longer."""

_T = TypeVar("_T")
_TREE = Path(__file__).parents[3]
_PROGRAM = """
import marshal, sys
from importlib import import_module
tree, module, function, *words = sys.argv[1:]
sys.path.insert(0, tree)
from fuel_upgrade.errors import BundleError
from fuel_upgrade.system.collector import paused_collector
try:
    with paused_collector():
        marshal.dump(getattr(import_module(module), function)(*words), sys.stdout.buffer)
except BundleError as error:
    sys.stderr.write(error.what)
    sys.exit(3)
"""
_TIMEOUT_S = 600
_REFUSED = 3


def start(function: Callable[..., _T], *words: str) -> Future[_T]:
    """Start a call of a function, whose result is made of built-in types.

    Raises:
        BundleError: the function raised it; raised by the future.
    """
    beside = ThreadPoolExecutor(1)
    running = beside.submit(_run, function, words)
    beside.shutdown(wait=False)
    return running


def _run(function: Callable[..., _T], words: tuple[str, ...]) -> _T:
    names = (function.__module__, function.__name__)
    argv = (sys.executable, "-I", "-c", _PROGRAM, str(_TREE), *names, *words)
    with tempfile.TemporaryFile() as output:
        try:
            process.run(argv, timeout_s=_TIMEOUT_S, output=output)
        except CommandError as error:
            if error.returncode != _REFUSED:
                raise
            raise BundleError(
                error.stderr_tail.strip(), remedy="rebuild the metadata with createrepo_c"
            ) from error
        output.seek(0)
        result: _T = marshal.load(output)  # noqa: S302 - written by our own process
        return result
