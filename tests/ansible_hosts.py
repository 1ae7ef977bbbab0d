"""Hosts of an inventory on this machine, each with its own folder of venvs.

The interpreter of a host is a script that enters a mount namespace, where the folder of the host is
at the path of the venvs, systemctl only writes a log, and the interpreter may be another Python.
"""

import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.pythons import interpreters

_OLDEST = 9  # minor version of Python that the deployer supports
_ENTER = """#!/bin/sh
exec unshare --mount --propagation private sh -c {inner} {python} "$@"
"""


_SYSTEMCTL = """#!/bin/sh
echo "$@" >>{log}
case "$*" in *show*) printf 'LoadState=loaded\\nActiveState=active\\n';; esac
"""


def make_hosts(folder: Path, directory: Path, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return an inventory of hosts, each with an empty folder, which it has at ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    return {name: _make_host(folder / name, {directory: folder / name / "venvs"}) for name in names}


def restarts(host: Path) -> list[str]:
    """Return the units that systemctl was asked to restart on a host, by its folder."""
    lines = (host / "systemctl.log").read_text().splitlines()
    return [line.split()[-1] for line in lines if line.startswith("restart ")]


def make_misfit(folder: Path, directory: Path) -> dict[str, Any]:
    """Return a host where the path of the interpreter has another minor version of Python."""
    folder.mkdir(parents=True)
    program = other_python()
    script = _write_script(folder / "python", f'#!/bin/sh\nexec {program} "$@"\n')
    own = Path(sys.executable).resolve()
    return _make_host(folder, {directory: folder / "venvs", own: script})


def _make_host(folder: Path, mounts: Mapping[Path, Path]) -> dict[str, Any]:
    (folder / "venvs").mkdir(parents=True)
    systemctl = _write_script(folder / "systemctl", _SYSTEMCTL.format(log=folder / "systemctl.log"))
    mounts = {Path(shutil.which("systemctl") or "/bin/systemctl"): systemctl, **mounts}
    commands = [shlex.join(["mount", "--bind", str(a), str(b)]) for b, a in mounts.items()]
    inner = " && ".join([*commands, 'exec "$0" "$@"'])
    text = _ENTER.format(inner=shlex.quote(inner), python=shlex.quote(sys.executable))
    enter = _write_script(folder / "enter", text)
    return {"ansible_connection": "local", "ansible_python_interpreter": str(enter)}


def _write_script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def other_python() -> Path | None:
    """Return an interpreter of another minor version than this one on which the module runs."""
    own = sys.version_info.minor
    return next(
        (path for minor, path in interpreters().items() if minor >= _OLDEST and minor != own), None
    )
