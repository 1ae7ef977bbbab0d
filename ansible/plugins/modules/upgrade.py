#!/usr/bin/python
# Copyright: The fuel-upgrade project
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# or Apache License 2.0 (see https://www.apache.org/licenses/LICENSE-2.0), at your choice
# SPDX-License-Identifier: GPL-3.0-or-later OR Apache-2.0
"""Install an upgrade tarball on a master, or roll an install back."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: upgrade
short_description: Install an upgrade tarball on a master, or roll it back
version_added: 1.0.0
description:
  - Installs an upgrade tarball on a master node by its daemon, and waits for the end. A tarball
    that is already installed changes nothing.
  - If a step fails, the daemon rolls everything back and the task fails.
options:
  tarball:
    description: The tarball on the master. Required with O(state=installed).
    type: path
  state:
    description:
      - With V(installed), the tarball is installed.
      - With V(rolled_back), the install O(install) is undone if it is in effect.
    type: str
    choices: [installed, rolled_back]
    default: installed
  install:
    description: RV(id) of an install. Required with O(state=rolled_back).
    type: str
  verify_base:
    description: Whether to compute the checksum of each package that is inherited from a base.
    type: bool
    default: false
  full_view:
    description: Whether to build the full view of each repo that is a diff.
    type: bool
    default: false
  wait:
    description: The seconds to wait for another install to end.
    type: float
    default: 0
  wait_for_tasks:
    description: The seconds to wait for running tasks of Nailgun.
    type: float
    default: 0
extends_documentation_fragment:
  - fuel_upgrade.fuel_upgrade.program
attributes:
  check_mode:
    description: Reports the changes, and changes nothing.
    support: full
  diff_mode:
    description: Shows the steps of the install, or the Fuel version before and after.
    support: full
author:
  - The fuel-upgrade project (@fuel-upgrade)
"""

EXAMPLES = r"""
- name: Install Fuel 6.0
  fuel_upgrade.fuel_upgrade.upgrade:
    tarball: /root/fuel-6.0-upgrade.tar.zst
  register: fuel

- name: Undo this install
  fuel_upgrade.fuel_upgrade.upgrade:
    state: rolled_back
    install: "{{ fuel.id }}"
"""

RETURN = r"""
id:
  description: The id of the install; null in check mode before an install.
  returned: success
  type: str
  sample: ae546bd8
fuel_version:
  description: The Fuel version of the tarball, or after a rollback that of the master.
  returned: with O(state=installed), and after a rollback
  type: str
  sample: "6.0"
error:
  description: The code of a failure.
  returned: failure of the program
  type: str
  sample: preflight
remedy:
  description: The remedy of a failure, as one sentence.
  returned: failure of the program
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.command_line import PROGRAM_OPTIONS, as_lines, run_program

_UNDOABLE = "installed"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "tarball": {"type": "path"},
            "state": {"type": "str", "choices": ["installed", "rolled_back"], "default": _UNDOABLE},
            "install": {"type": "str"},
            "verify_base": {"type": "bool", "default": False},
            "full_view": {"type": "bool", "default": False},
            "wait": {"type": "float", "default": 0},
            "wait_for_tasks": {"type": "float", "default": 0},
            **PROGRAM_OPTIONS,
        },
        required_if=[("state", "installed", ["tarball"]), ("state", "rolled_back", ["install"])],
        supports_check_mode=True,
    )
    carry_out = _install if module.params["state"] == "installed" else _roll_back
    module.exit_json(**carry_out(module))


def _install(module: AnsibleModule) -> dict[str, Any]:
    """Install the tarball; the diff and check mode need its plan first."""
    values = module.params
    flags = [f"--{name.replace('_', '-')}" for name in ("verify_base", "full_view") if values[name]]
    diff = {"before": "", "after": ""}
    if module.check_mode or module._diff:  # noqa: SLF001 - Ansible has no other name for it
        plan = run_program(module, "plan", values["tarball"], *flags)
        diff["after"] = as_lines(step["title"] for step in plan.get("steps", ()))
        if module.check_mode:
            known = plan.get("install")
            version = plan["fuel_version"] if known else plan["fuel_to"]
            return {"changed": not known, "id": known, "fuel_version": version, "diff": diff}
    for name in ("wait", "wait_for_tasks"):
        flags += [f"--{name.replace('_', '-')}", str(values[name])]
    done = run_program(module, "install", values["tarball"], *flags)
    version = done["fuel_to"]
    return {"changed": done["changed"], "id": done["id"], "fuel_version": version, "diff": diff}


def _roll_back(module: AnsibleModule) -> dict[str, Any]:
    """Undo the install if it is in effect; only the last one of a master can be undone."""
    install = module.params["install"]
    record = run_program(module, "show", install)
    before, after = record["fuel_to"], record["fuel_from"]
    diff = {"before": f"Fuel {before}\n", "after": f"Fuel {after}\n"}
    if record["state"] != _UNDOABLE:
        return {"changed": False, "id": record["id"]}
    if not module.check_mode:
        run_program(module, "rollback", record["id"])
    elif record["id"] != run_program(module, "status")["undoable"]:
        module.fail_json(msg=f"{install}: it cannot be undone; remedy: see fuel-upgrade status")
    return {"changed": True, "id": record["id"], "fuel_version": after, "diff": diff}


if __name__ == "__main__":
    main()
