"""The deployment tasks of a puppet tree, and their comparison with those that Nailgun shows."""

from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.release.puppet_tasks import altered, is_tasks_file, parse_tasks, read_tasks
from fuel_upgrade.system.yaml_text import DESCRIPTION
from tests.builders import write

A, B = {"id": "a", "type": "stage"}, {"id": "b", "type": "puppet", "requires": ["a"]}


def test_all_files_of_tasks_are_read_and_no_others(tmp_path: Path) -> None:
    write(tmp_path / "modules/z/tasks.yaml", "- {id: a, type: stage}\n")
    write(tmp_path / "modules/my_tasks.yaml", "- {id: b, type: puppet, requires: [a]}\n")
    write(tmp_path / "modules/empty/tasks.yaml", "# none yet\n")
    for other in ("modules/tasks.yml", "modules/hiera.yaml", "tasks.yaml.orig", "tasks.yaml/x"):
        write(tmp_path / other, "neither a list nor [ YAML")
    assert read_tasks(tmp_path) == (B, A)
    assert read_tasks(tmp_path / "no such folder") == ()


def test_the_name_of_a_file_says_that_it_has_tasks() -> None:
    assert is_tasks_file("upgrade/puppet/1/modules/my_tasks.yaml")
    assert not is_tasks_file("upgrade/puppet/1/modules/tasks.yaml.orig")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{id: a}", "expected a list of tasks, found {'id': 'a'}"),
        ("[a]", "expected a task with 'id' and 'type', found 'a'"),
        ("[{id: a}]", "expected a task with 'id' and 'type'"),
        ("[{id: 1, type: stage}]", "expected a task with 'id' and 'type'"),
        ("[{id: a, id: b}]", "duplicate key 'id'"),
        ("- {", "malformed YAML"),
    ],
)
def test_a_file_without_tasks_is_refused_by_name(text: str, reason: str) -> None:
    with pytest.raises(BundleError) as caught:
        parse_tasks(text, source="modules/tasks.yaml")
    assert caught.value.what.startswith("modules/tasks.yaml: ")
    assert reason in caught.value.what


def test_the_files_are_bounded_together(tmp_path: Path) -> None:
    half = DESCRIPTION.chars // 2 + 1
    for name in ("a", "b"):
        with write(tmp_path / name / "tasks.yaml", "").open("wb") as file:
            file.truncate(half)
    (tmp_path / "a/tasks.yaml").write_bytes(b"#" * half)
    with pytest.raises(BundleError, match=r"b/tasks\.yaml: with this file .* over 4194304 char"):
        read_tasks(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "tasks.yaml", b"\xff")
    with pytest.raises(BundleError, match=r"tasks\.yaml: .*utf-8"):
        read_tasks(tmp_path)


@pytest.mark.parametrize(
    ("put", "shown", "ids"),
    [
        ([A, B], [B, A], ()),
        ([A, A], [A, A], ()),
        ([A], [{**A, "version": "1.0.0"}], ()),
        ([{**A, "requires": [], "role": None}], [A], ()),
        ([A, B], [A], ("b",)),
        ([B], [{**B, "requires": []}], ("b",)),
        ([A], [], ("a",)),
    ],
)
def test_tasks_are_compared_by_id_without_empty_and_added_fields(
    put: list[dict[str, Any]], shown: list[dict[str, Any]], ids: tuple[str, ...]
) -> None:
    assert altered(put, shown) == ids
