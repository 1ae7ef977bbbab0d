#!/usr/bin/python
# Copyright: The fuel-upgrade project
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# or Apache License 2.0 (see https://www.apache.org/licenses/LICENSE-2.0), at your choice
# SPDX-License-Identifier: GPL-3.0-or-later OR Apache-2.0
"""Require a release on a master, or retire it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: release
short_description: Require a release on a master, or retire it
version_added: 1.0.0
description:
  - Checks that a release is registered on a master node, or retires it with its files, by the
    daemon of the master. M(fuel_upgrade.fuel_upgrade.upgrade) installs releases.
  - A release that a cluster uses, or on which another one builds, is not retired; the task fails.
options:
  version:
    description: The version of the release, such as V(2014.2-6.0), for all operating systems.
    type: str
    required: true
  state:
    description:
      - With V(present), the task fails if the release is not registered. In check mode it warns,
        since an earlier task of the play may install the release.
      - With V(absent), the release is retired if it is registered. C(fuel-upgrade rollback) undoes
        it.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - fuel_upgrade.fuel_upgrade.program
attributes:
  check_mode:
    description: Reports the changes, and changes nothing.
    support: full
  diff_mode:
    description: Shows the names of the releases before and after.
    support: full
author:
  - The fuel-upgrade project (@fuel-upgrade)
"""

EXAMPLES = r"""
- name: Require the release
  fuel_upgrade.fuel_upgrade.release:
    version: 2014.2-6.0

- name: Retire the release that no cluster uses any more
  fuel_upgrade.fuel_upgrade.release:
    version: 2014.1.1-5.1
    state: absent
"""

RETURN = r"""
releases:
  description: The registered releases of the version before the task, with their repos.
  returned: success
  type: list
  elements: dict
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

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.command_line import PROGRAM_OPTIONS, as_lines, run_program


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            **PROGRAM_OPTIONS,
        },
        supports_check_mode=True,
    )
    version = module.params["version"]
    listed = run_program(module, "releases", "list")["releases"]
    releases = [release for release in listed if release["version"] == version]
    if module.params["state"] == "present":
        _require(module, releases)
        module.exit_json(changed=False, releases=releases)
    if not releases:
        module.exit_json(changed=False, releases=[])
    _retire(module)
    before = as_lines(f"{release['name']} ({version})" for release in releases)
    module.exit_json(changed=True, releases=releases, diff={"before": before, "after": ""})


def _require(module: AnsibleModule, releases: list[dict[str, Any]]) -> None:
    if releases:
        return
    message = f"release {module.params['version']} is not registered on this master"
    if module.check_mode:
        module.warn(f"{message}: the task fails unless an earlier task installs it")
        return
    remedy = "install the upgrade tarball that has it"
    module.fail_json(msg=f"{message}; remedy: {remedy}", remedy=remedy)


def _retire(module: AnsibleModule) -> None:
    """Plan, which refuses a release that is in use; carry the plan out except in check mode."""
    chosen = ("gc", "--release", module.params["version"])
    if module.check_mode:
        run_program(module, *chosen)
        return
    plan = Path(module.tmpdir, "retire.json")
    run_program(module, *chosen, "--plan", str(plan))
    run_program(module, "gc", "--apply", str(plan))


if __name__ == "__main__":
    main()
