#!/usr/bin/python
# Copyright: The fuel-upgrade project
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# or Apache License 2.0 (see https://www.apache.org/licenses/LICENSE-2.0), at your choice
# SPDX-License-Identifier: GPL-3.0-or-later OR Apache-2.0
"""Deploy, verify or roll back the venv of a service on this host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: venv
short_description: Deploy the Python venv of a service where it differs
version_added: 1.0.0
description:
  - Compares the venv of a service on a host with the one that a repo server publishes, by one
    conditional request.
  - If it differs, the venv is downloaded, verified, unpacked beside the old one and proved; then
    one link is switched and the units of the service are restarted. If its check fails, the former
    venv is active again.
  - The host needs nothing but Python.
options:
  service:
    description: The service.
    type: str
    required: true
  tag:
    description: The tag of the venv.
    type: str
    required: true
  state:
    description:
      - With V(deployed), the published venv becomes the active one.
      - With V(verified), the active venv is compared with its description by checksum; a difference
        is a failure.
      - With V(rolled_back), the previous venv becomes the active one again, if the one in O(from)
        is active.
    type: str
    choices: [deployed, verified, rolled_back]
    default: deployed
  url:
    description: The URL of the repo server. Required with O(state=deployed).
    type: str
  from:
    description:
      - The name of the venv to leave, RV(to) of its deployment. Required with O(state=rolled_back).
      - If another venv is active, nothing is changed; so a second run does not switch back.
    type: str
  directory:
    description: The folder of the venvs.
    type: path
    default: /openstack/venvs
  platform:
    description:
      - The platform of the venv, such as V(debian-12-x86_64). The default is that of the host.
    type: str
  ca_file:
    description: A file on the host with the certificates of the repo server's authority.
    type: path
  rate:
    description: The limit of a download in bytes a second. V(0) means no limit.
    type: int
    default: 0
  content:
    description:
      - Whether to compare the checksums of all files. By default, kinds, modes and sizes are
        compared.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reports the changes, and changes nothing.
    support: full
  diff_mode:
    description: Shows the active venv before and after, and the damaged files of the venv.
    support: full
author:
  - The fuel-upgrade project (@fuel-upgrade)
"""

EXAMPLES = r"""
- name: Deploy Horizon where it differs
  fuel_upgrade.fuel_upgrade.venv:
    service: horizon
    tag: "13.1.0"
    url: http://repo:8181
  register: horizon

- name: Compare all files of the active venv with their checksums
  fuel_upgrade.fuel_upgrade.venv:
    service: horizon
    tag: "13.1.0"
    state: verified

- name: Return to the venv before
  fuel_upgrade.fuel_upgrade.venv:
    service: horizon
    tag: "13.1.0"
    state: rolled_back
    from: "{{ horizon.to }}"
"""

RETURN = r"""
from:
  description: The name of the venv that was active, or null.
  returned: success
  type: str
to:
  description: The name of the venv that is active now; in check mode, that would be.
  returned: success
  type: str
  sample: horizon-13.1.0-0d6b0b0a7a0e5f9c
bytes:
  description: The bytes that were downloaded.
  returned: when O(state) is not V(verified)
  type: int
damage:
  description: The first files of the venv that differed from its description.
  returned: when O(state=deployed)
  type: list
  elements: str
removed:
  description: The names of old venvs that were removed.
  returned: after a change
  type: list
  elements: str
units:
  description: The systemd units that were restarted or reloaded.
  returned: after a change, if the service has units
  type: list
  elements: str
remedy:
  description: The remedy of a failure, as one sentence.
  returned: failure
  type: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.deployer.deploy_error import DeployError
from ..module_utils.deployer.deployed import DeployedVenvs
from ..module_utils.deployer.request import DeployRequest

_ACTIONS = {"deployed": "deploy", "verified": "verify", "rolled_back": "rollback"}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "service": {"type": "str", "required": True},
            "tag": {"type": "str", "required": True},
            "state": {"type": "str", "choices": list(_ACTIONS), "default": "deployed"},
            "url": {"type": "str"},
            "from": {"type": "str"},
            "directory": {"type": "path", "default": "/openstack/venvs"},
            "platform": {"type": "str"},
            "ca_file": {"type": "path"},
            "rate": {"type": "int", "default": 0},
            "content": {"type": "bool", "default": False},
        },
        required_if=[("state", "deployed", ["url"]), ("state", "rolled_back", ["from"])],
        supports_check_mode=True,
    )
    try:
        result = _carry_out(module)
    except DeployError as error:
        module.fail_json(msg=f"{error}; remedy: {error.remedy}", remedy=error.remedy)
    module.exit_json(**result, diff=_diff(result))


def _carry_out(module: AnsibleModule) -> dict[str, Any]:
    values = module.params
    if values["state"] == "rolled_back":
        venvs = DeployedVenvs(Path(values["directory"]), values["service"], values["tag"])
        active, previous = venvs.active(), venvs.previous()
        if active is None or active.name != values["from"]:
            name = active.name if active else None
            return {"changed": False, "bytes": 0, "from": name, "to": name}
        if module.check_mode and previous is not None:
            return {"changed": True, "bytes": 0, "from": active.name, "to": previous.name}
    return DeployRequest(
        _ACTIONS[values["state"]],
        values["service"],
        values["tag"],
        directory=Path(values["directory"]),
        url=values["url"] or "",
        platform=values["platform"],
        ca_file=values["ca_file"],
        rate=values["rate"],
        check_only=module.check_mode and values["state"] == "deployed",
        content=values["content"],
    ).carry_out()


def _diff(result: dict[str, Any]) -> dict[str, str]:
    """Return the active venv before and after; a damaged venv with its files."""
    damage = result.get("damage") or []
    before = [result["from"] or "none"]
    if result["from"] == result["to"]:
        before += damage
    return {"before": "\n".join((*before, "")), "after": f"{result['to']}\n"}


if __name__ == "__main__":
    main()
