"""Lists packages that dnf sees, and would install, by repo files; for the system's Python.

Each line of the input is ``{"reposdir": …, "cachedir": …, "names": […]}``, each line of the output
``{"available": [[name, checksum]…], "plans": {name: [[name, checksum]…] or null}}``.
"""

import json
import sys
from typing import Any

import dnf
import hawkey


def plans(reposdir: str, cachedir: str, names: list[str]) -> dict[str, Any]:
    with dnf.Base() as base:
        base.conf.reposdir = [reposdir]
        base.conf.cachedir = cachedir
        base.conf.installroot = cachedir
        base.conf.pluginpath = []
        base.conf.substitutions["releasever"] = "1"
        base.conf.substitutions["arch"] = "x86_64"
        base.conf.substitutions["basearch"] = "x86_64"
        base.read_all_repos()
        base.fill_sack(load_system_repo=False)
        available = sorted(map(_text, base.sack.query().available()))
        return {"available": available, "plans": {name: _plan(base, name) for name in names}}


def _plan(base: Any, name: str) -> list[list[str]] | None:
    base.reset(goal=True)
    try:
        base.install(name)
        base.resolve()
    except dnf.exceptions.Error:
        return None
    return sorted(map(_text, base.transaction.install_set))


def _text(package: Any) -> list[str]:
    kind, value = package.chksum
    return [str(package), f"{hawkey.chksum_name(kind)}:{value.hex()}"]


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(plans(**json.loads(line))), flush=True)  # noqa: T201 - the answer
