"""The deployment tasks of a release: Nailgun of 6.1 and later makes deployments of them.

Each file ``*tasks.yaml`` of the release's puppet tree is a list of them. Nailgun has one list, to
which its client (``fuel rel --sync-deployment-tasks``) joins them in any order.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fuel_upgrade.errors import BundleError
from fuel_upgrade.system.yaml_text import DESCRIPTION, load_yaml

FIELD = "deployment_tasks"
"""The field of a posted release with its tasks. No answer with a release has it."""
DeploymentTask = Mapping[str, Any]

_SUFFIX = "tasks.yaml"
_NOTHING: tuple[Any, ...] = (None, "", [], {})


def is_tasks_file(path: str) -> bool:
    """Return whether the name of a file says that it has deployment tasks."""
    return path.endswith(_SUFFIX)


def read_tasks(folder: Path) -> tuple[DeploymentTask, ...]:
    """Read all tasks of a puppet tree, by path. Links to folders are not followed.

    Raises:
        BundleError: a file is malformed or beyond its bounds, or all of them are too large.
    """
    tasks: list[DeploymentTask] = []
    chars = 0
    for path in _tasks_files(folder):
        text = _read_text(path, DESCRIPTION.chars - chars)
        chars += len(text)
        tasks += parse_tasks(text, source=str(path))
    return tuple(tasks)


def parse_tasks(text: str, *, source: str) -> tuple[DeploymentTask, ...]:
    """Read the tasks of one file; an empty file has none.

    Raises:
        BundleError: it is malformed, no list, or a task has no ``id`` or ``type``.
    """
    tasks = load_yaml(text, source=source)
    if tasks is None:
        return ()
    if not isinstance(tasks, list):
        raise _malformed(source, f"expected a list of tasks, found {tasks!r:.80}")
    for task in tasks:
        named = isinstance(task, dict) and all(
            isinstance(task.get(key), str) for key in ("id", "type")
        )
        if not named:
            raise _malformed(source, f"expected a task with 'id' and 'type', found {task!r:.80}")
    return tuple(tasks)


def altered(put: Iterable[DeploymentTask], shown: Iterable[DeploymentTask]) -> tuple[str, ...]:
    """Return the ids of the tasks that Nailgun does not show as they were put.

    Fields without a value are not compared, nor those that a Nailgun adds.
    """
    by_id: dict[Any, list[DeploymentTask]] = {}
    for task in shown:
        by_id.setdefault(task.get("id"), []).append(task)
    return tuple(
        task["id"]
        for task in put
        if not any(_has(other, task) for other in by_id.get(task["id"], ()))
    )


def _has(shown: DeploymentTask, task: DeploymentTask) -> bool:
    return all(shown.get(key) == value for key, value in task.items() if value not in _NOTHING)


def _tasks_files(folder: Path) -> Iterator[Path]:
    paths = (
        Path(parent, name)
        for parent, _, names in os.walk(folder)
        for name in names
        if is_tasks_file(name)
    )
    return iter(sorted(path for path in paths if path.is_file()))


def _read_text(path: Path, most: int) -> str:
    try:
        if path.stat().st_size > most:
            raise _malformed(
                str(path), f"with this file the tasks have over {DESCRIPTION.chars} characters"
            )
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _malformed(str(path), str(error)) from error


def _malformed(source: str, reason: str) -> BundleError:
    return BundleError(f"{source}: {reason}", remedy=f"correct {source} and build again")
