#!/usr/bin/python
# Copyright: The fuel-upgrade project
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# or Apache License 2.0 (see https://www.apache.org/licenses/LICENSE-2.0), at your choice
# SPDX-License-Identifier: GPL-3.0-or-later OR Apache-2.0
"""Write the package sources of a release on a node."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: node_sources
short_description: Write the apt or yum sources of a release on a node
version_added: 1.0.0
description:
  - Writes the files of C(fuel-upgrade node sources), with which a node behaves as with one full
    repo.
  - A node without the program gets the files in two tasks. The first one, with O(state=rendered),
    makes them on the master; the second one, with O(files), writes them on the nodes.
options:
  state:
    description:
      - With V(present), the files are written on the host.
      - With V(rendered), they are only returned.
    type: str
    choices: [present, rendered]
    default: present
  files:
    description: RV(files) of a task that made the files. Excludes the options that make them.
    type: dict
  release:
    description: The id, version or name of a registered release. Needs the daemon of the master.
    type: str
  repos:
    description:
      - The repos of the chain in place of those of a release, newest first; of apt as
        V(URL SUITE COMPONENT...).
    type: list
    elements: str
  full_view:
    description: The full view of the release, a URL or a folder, as the only repo.
    type: str
  operating_system:
    description: The system of the nodes. Required without O(files).
    type: str
    choices: [ubuntu, centos]
  format:
    description: The form of apt sources, V(deb822) for apt 1.1 and newer.
    type: str
    choices: [native, deb822]
    default: native
  signed_by:
    description: The path on the nodes of the key of signed apt repos.
    type: str
  gpgkey:
    description: The URL of the key of RPMs and yum repos.
    type: str
  root:
    description: The root of the node's file system.
    type: path
    default: /
extends_documentation_fragment:
  - fuel_upgrade.fuel_upgrade.program
attributes:
  check_mode:
    description: Reports the changes, and changes nothing.
    support: full
  diff_mode:
    description: Shows each file before and after.
    support: full
author:
  - The fuel-upgrade project (@fuel-upgrade)
"""

EXAMPLES = r"""
- name: Make the sources on the master
  fuel_upgrade.fuel_upgrade.node_sources:
    release: 2014.2-6.0
    operating_system: ubuntu
    state: rendered
  delegate_to: master
  run_once: true
  register: sources

- name: Write them on the nodes
  fuel_upgrade.fuel_upgrade.node_sources:
    files: "{{ sources.files }}"
  notify: Update the package lists
"""

RETURN = r"""
files:
  description: The files, path below O(root) to text.
  returned: success
  type: dict
  sample: {"etc/apt/sources.list.d/00-fuel-upgrade.list": "deb [trusted=yes] http://10.20.0.2:8080"}
error:
  description: The code of a failure.
  returned: failure of the program
  type: str
  sample: outside
remedy:
  description: The remedy of a failure, as one sentence.
  returned: failure of the program
  type: str
"""

from pathlib import Path, PurePosixPath
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.command_line import PROGRAM_OPTIONS, run_program

_MODE = 0o644


def main() -> None:
    """Run the module."""
    makers = ("release", "repos", "full_view")
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "rendered"], "default": "present"},
            "files": {"type": "dict"},
            "release": {"type": "str"},
            "repos": {"type": "list", "elements": "str"},
            "full_view": {"type": "str"},
            "operating_system": {"type": "str", "choices": ["ubuntu", "centos"]},
            "format": {"type": "str", "choices": ["native", "deb822"], "default": "native"},
            "signed_by": {"type": "str"},
            "gpgkey": {"type": "str", "no_log": False},
            "root": {"type": "path", "default": "/"},
            **PROGRAM_OPTIONS,
        },
        mutually_exclusive=[("files", name) for name in (*makers, "operating_system")],
        required_one_of=[("files", *makers)],
        required_by=dict.fromkeys(makers, "operating_system"),
        supports_check_mode=True,
    )
    files = module.params["files"]
    if files is None:
        files = _make(module)
    diff = [] if module.params["state"] == "rendered" else _write(module, files)
    module.exit_json(changed=bool(diff), files=files, diff=diff)


def _make(module: AnsibleModule) -> dict[str, str]:
    """Have the program make the files below a temporary folder."""
    values = module.params
    tree = Path(module.tmpdir, "tree")
    argv = [*([values["release"]] if values["release"] else []), "--os", values["operating_system"]]
    for name in ("full_view", "format", "signed_by", "gpgkey"):
        if values[name]:
            argv += [f"--{name.replace('_', '-')}", values[name]]
    if values["repos"]:
        argv += ["--repos", ",".join(values["repos"])]
    made = run_program(module, "node", "sources", *argv, "--output", str(tree))
    paths = map(Path, made["files"])
    return {str(path.relative_to(tree)): path.read_text(encoding="utf-8") for path in paths}


def _write(module: AnsibleModule, files: dict[str, str]) -> list[dict[str, str]]:
    """Write the files that differ, except in check mode; return their diffs."""
    diffs = []
    for name, text in sorted(files.items()):
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or not isinstance(text, str):
            module.fail_json(msg=f"{name}: not a path below the root with a text")
        path = Path(module.params["root"], parts)
        difference = _difference(path, text)
        if difference:
            diffs.append(difference)
            if not module.check_mode:
                _replace(module, path, text)
    return diffs


def _difference(path: Path, text: str) -> dict[str, str]:
    try:
        before, mode = path.read_text(encoding="utf-8", errors="replace"), path.stat().st_mode
    except FileNotFoundError:
        before, mode = "", _MODE
        if not text:  # as empty as a missing file
            return {}
    difference: dict[str, Any] = {}
    if before != text:
        difference = {"before": before, "after": text}
    elif mode & 0o777 != _MODE:
        difference = {"before": f"mode {mode & 0o777:04o}\n", "after": f"mode {_MODE:04o}\n"}
    return difference and {"before_header": str(path), "after_header": str(path), **difference}


def _replace(module: AnsibleModule, path: Path, text: str) -> None:
    new = Path(module.tmpdir, "new")
    new.write_text(text, encoding="utf-8")
    new.chmod(_MODE)
    path.parent.mkdir(parents=True, exist_ok=True)
    module.atomic_move(str(new), str(path))
    path.chmod(_MODE)


if __name__ == "__main__":
    main()
