"""A callback plugin of Ansible: prints one JSON object for each result of a task."""

import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: json_lines
type: stdout
short_description: One JSON object a line
description: Prints host, task, state and result.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "json_lines"

    def _write(self, state, result):
        line = {
            "host": result._host.get_name(),
            "task": result._task.get_name().rsplit(" : ", 1)[-1],
            "state": state,
            "result": result._result,
        }
        self._display.display(json.dumps(line, default=str))

    def v2_runner_on_ok(self, result):
        self._write("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._write("failed", result)

    def v2_runner_on_skipped(self, result):
        self._write("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self._write("unreachable", result)
