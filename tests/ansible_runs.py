"""Runs of the real Ansible, of `make .venv-ansible/.ready`, with the collection of this tree."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools import needs_here

_TREE = Path(__file__).parents[1]
COLLECTION = _TREE / "ansible"
BIN = _TREE / ".venv-ansible/bin"
_TIMEOUT_S = 500


def needs_ansible() -> pytest.MarkDecorator:
    """Mark tests that need Ansible's own environment, as ``needs``."""
    missing = () if (BIN.parent / ".ready").exists() else ("make .venv-ansible/.ready",)
    return needs_here(*missing)


def copy_collection(folder: Path) -> Path:
    """Copy the collection, files in place of links, to where Ansible looks for it."""
    target = folder / "ansible_collections/fuel_upgrade/fuel_upgrade"
    without = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(COLLECTION, target, ignore=without))


def run_tool(
    folder: Path, program: str, *arguments: str, cwd: Path | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a program of Ansible, whose collections and files are below ``folder``."""
    inherited = {key: value for key, value in os.environ.items() if "ANSIBLE" not in key}
    environment = {
        **inherited,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(folder / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(folder),
        "ANSIBLE_CALLBACK_PLUGINS": str(_TREE / "tests/ansible"),
        "ANSIBLE_STDOUT_CALLBACK": "json_lines",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
    }
    done = subprocess.run(
        [str(BIN / program), *arguments], cwd=cwd or folder, env=environment, text=True,
        capture_output=True, timeout=_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The result of a task on a host; ``state`` is ok, failed, skipped or unreachable."""

    host: str
    task: str
    state: str
    result: dict[str, Any]

    @property
    def is_changed(self) -> bool:
        return bool(self.result.get("changed"))


class Ansible:
    """An inventory and the installed collection below a folder."""

    def __init__(self, folder: Path, hosts: dict[str, dict[str, Any]]) -> None:
        self.folder = folder
        inventory = {"all": {"hosts": hosts}}
        (folder / "hosts.yml").write_text(yaml.safe_dump(inventory, sort_keys=False))

    def play(self, plays: Sequence[dict[str, Any]], *options: str) -> list[TaskResult]:
        """Run plays, and return the results of all tasks in their order."""
        path = self.folder / "play.yml"
        path.write_text(yaml.safe_dump(list(plays), sort_keys=False))
        argv = ["-i", str(self.folder / "hosts.yml"), str(path), *options]
        done = run_tool(self.folder, "ansible-playbook", *argv, check=False)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        assert lines, done.stdout + done.stderr
        return [TaskResult(**json.loads(line)) for line in lines]

    def tasks(self, tasks: dict[str, dict[str, Any]], *options: str) -> dict[str, TaskResult]:
        """Run named tasks one after the other; a failed one does not stop the others."""
        named = [{"name": name, "ignore_errors": True, **task} for name, task in tasks.items()]
        play = {"hosts": "all", "gather_facts": False, "tasks": named}
        return {result.task: result for result in self.play([play], *options)}


LOCAL = {"localhost": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
