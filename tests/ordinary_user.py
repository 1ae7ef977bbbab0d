"""Another local user: code in a child process without root's rights, and commands that it runs."""

import importlib
import os
import pkgutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import cache

import fuel_upgrade
from fuel_upgrade.cli.main import main

NOBODY = 65534


def as_nobody(work: Callable[[], object]) -> int:
    """Start ``work`` in a fork that belongs to nobody; return its process id.

    A fork, because nobody may not be able to read the interpreter of root.
    """
    child = os.fork()
    if child:
        return child
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        os.chdir("/")
        work()
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 0)
    except BaseException:  # noqa: BLE001 - the child must end here
        traceback.print_exc()
        os._exit(99)
    os._exit(0)


def command_as_nobody(*argv: object) -> subprocess.CompletedProcess[str]:
    """Run ``fuel-upgrade`` as nobody."""
    words = [str(word) for word in argv]
    _load_all()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:

        def work() -> None:
            sys.stdout, sys.stderr = out, err
            try:
                main.main(words, prog_name="fuel-upgrade")
            finally:
                out.flush()
                err.flush()

        _, status = os.waitpid(as_nobody(work), 0)
        texts = [(file.seek(0), file.read())[1] for file in (out, err)]
    return subprocess.CompletedProcess(words, os.waitstatus_to_exitcode(status), *texts)


@cache
def _load_all() -> None:
    """Load every module: nobody may not be able to read them."""
    for module in pkgutil.walk_packages(fuel_upgrade.__path__, "fuel_upgrade."):
        if "migrations" not in module.name:
            importlib.import_module(module.name)
