"""Hosts of an inventory on this machine, each with its own folder of venvs.

The interpreter of a host is a script that enters a mount namespace, where the folder of the host is
at the path of the venvs, and possibly another Python at that of the interpreter.
"""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.pythons import interpreters

_OLDEST = 9  # minor version of Python that the deployer supports
_ENTER = """#!/bin/sh
exec unshare --mount --propagation private sh -c {inner} {python} "$@"
"""


def make_hosts(folder: Path, directory: Path, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return an inventory of hosts, each with an empty folder, which it has at ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    return {name: _make_host(folder / name, {directory: folder / name / "venvs"}) for name in names}


def make_misfit(folder: Path, directory: Path) -> dict[str, Any]:
    """Return a host where the path of the interpreter has another minor version of Python."""
    folder.mkdir(parents=True)
    program = other_python()
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nexec {program} "$@"\n')
    script.chmod(0o755)
    own = Path(sys.executable).resolve()
    return _make_host(folder, {directory: folder / "venvs", own: script})


def _make_host(folder: Path, mounts: Mapping[Path, Path]) -> dict[str, Any]:
    (folder / "venvs").mkdir(parents=True)
    commands = [shlex.join(["mount", "--bind", str(a), str(b)]) for b, a in mounts.items()]
    inner = " && ".join([*commands, 'exec "$0" "$@"'])
    enter = folder / "enter"
    enter.write_text(_ENTER.format(inner=shlex.quote(inner), python=shlex.quote(sys.executable)))
    enter.chmod(0o755)
    return {"ansible_connection": "local", "ansible_python_interpreter": str(enter)}


def other_python() -> Path | None:
    """Return an interpreter of another minor version than this one on which the module runs."""
    own = sys.version_info.minor
    return next(
        (path for minor, path in interpreters().items() if minor >= _OLDEST and minor != own), None
    )
