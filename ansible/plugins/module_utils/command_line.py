# Copyright: The fuel-upgrade project
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# or Apache License 2.0 (see https://www.apache.org/licenses/LICENSE-2.0), at your choice
# SPDX-License-Identifier: GPL-3.0-or-later OR Apache-2.0
"""The program ``fuel-upgrade`` on this host, called with ``--json``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible.module_utils.basic import AnsibleModule

PROGRAM_OPTIONS = {
    "executable": {"type": "path", "default": "fuel-upgrade"},
    "socket": {"type": "path"},
}
"""The options of each module that calls the program: its path, and the socket of the daemon."""


def run_program(module: AnsibleModule, *arguments: str) -> dict[str, Any]:
    """Run a command and return its JSON object; of a command that prints events, the result.

    A failure of the command is the failure of the module, with its message and remedy.
    """
    socket = module.params["socket"]
    before = ["--json", *(["--socket", socket] if socket else [])]
    argv = [module.params["executable"], *before, *arguments]
    code, output, errors = module.run_command(argv)
    printed = _last_object(output)
    if code:
        module.fail_json(**_failure(argv, code, printed, errors))
    if printed is None:
        module.fail_json(msg=f"{' '.join(argv)}: its output is not JSON", stdout=output)
    return dict(printed["result"]) if printed.get("event") == "result" else dict(printed)


def as_lines(items: Iterable[str]) -> str:
    """Return the text of a diff: each item a line."""
    return "".join(f"{item}\n" for item in items)


def _last_object(output: str) -> Any:
    """Return the only object of the output, or that of its last line."""
    for text in (output, *output.splitlines()[-1:]):
        try:
            return json.loads(text)
        except ValueError:
            continue
    return None


def _failure(argv: list[str], code: int, printed: Any, errors: str) -> dict[str, Any]:
    """Return the error of a command as values of ``fail_json``."""
    if not isinstance(printed, dict) or "what" not in printed:
        lines = errors.strip().splitlines() or ["no output"]
        return {"msg": f"{' '.join(argv)} ended with {code}: {lines[-1]}", "rc": code}
    parts = (printed["what"], printed["state"], f"remedy: {printed['remedy']}")
    return {
        "msg": "; ".join(part for part in parts if part),
        "rc": code,
        "error": printed["error"],
        "remedy": printed["remedy"],
    }
