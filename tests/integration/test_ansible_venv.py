"""The module ``venv``, by one run of the real ``ansible-playbook`` on this host."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ansible_runs import LOCAL, Ansible, TaskResult, copy_collection, needs_ansible
from tests.integration.test_venv_build import Builder
from tests.tools import needs
from tests.venv_wheels import make_wheel, serving_repo

pytestmark = [needs("uv", "git", "nginx"), needs_ansible()]
MODULE = "fuel_upgrade.fuel_upgrade.venv"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, TaskResult]]:
    """Deploy two versions, return to the first, damage it and mend it; nginx serves both."""
    folder = tmp_path_factory.mktemp("ansible")
    copy_collection(folder)
    directory = folder / "venvs"
    for name, version in (("one", "1.0"), ("two", "2.0")):
        builder = Builder(folder, name=f"repos/{name}", directory=directory)
        make_wheel(builder.wheels, "alpha", version, requires=("beta",), command="alpha")
        builder.build()
    with serving_repo(folder / "nginx", folder / "repos") as server:
        yield Ansible(folder, LOCAL).tasks(scenario(server.url, directory), "--diff")


def scenario(url: str, directory: Path) -> dict[str, dict[str, object]]:
    options = {"service": "api", "tag": "1", "directory": str(directory)}
    one: dict[str, object] = {MODULE: {**options, "url": f"{url}/one"}}
    two: dict[str, object] = {MODULE: {**options, "url": f"{url}/two"}, "register": "second"}
    verify: dict[str, object] = {MODULE: {**options, "state": "verified"}}
    wrong: dict[str, object] = {MODULE: {**options, "url": f"{url}/three"}}
    back: dict[str, object] = {
        MODULE: {**options, "state": "rolled_back", "from": "{{ second.to }}"}
    }
    check: dict[str, object] = {"check_mode": True}
    link = directory / "api-1"
    spoil = f"echo '#' | tee {link}/lib/*/site-packages/beta.py"
    return {
        "check one": {**one, **check},
        "nothing": {"ansible.builtin.stat": {"path": str(directory)}},
        "one": one,
        "one again": one,
        "two": two,
        "check back": {**back, **check},
        "back": back,
        "back again": back,
        "link": {"ansible.builtin.stat": {"path": str(link)}},
        "spoil": {"ansible.builtin.shell": spoil},
        "damaged": verify,
        "check mend": {**one, **check},
        "mend": one,
        "whole": verify,
        "wrong": wrong,
    }


@pytest.mark.parametrize("name", ["one", "back", "mend"])
def test_check_mode_reports_the_change_of_the_run(
    results: dict[str, TaskResult], name: str
) -> None:
    planned, done = results[f"check {name}"], results[name]

    assert planned.is_changed
    assert done.is_changed
    assert planned.result["diff"] == done.result["diff"]


def test_check_mode_writes_nothing(results: dict[str, TaskResult]) -> None:
    assert not results["nothing"].result["stat"]["exists"]


@pytest.mark.parametrize("name", ["one again", "back again", "whole"])
def test_a_second_run_changes_nothing(results: dict[str, TaskResult], name: str) -> None:
    assert (results[name].state, results[name].is_changed) == ("ok", False)
    assert results[name].result.get("bytes", 0) == 0


def test_the_diff_names_the_venvs(results: dict[str, TaskResult]) -> None:
    first, second = results["one"].result, results["two"].result

    assert first["diff"] == {"before": "none\n", "after": f"{first['to']}\n"}
    assert second["diff"] == {"before": f"{first['to']}\n", "after": f"{second['to']}\n"}


def test_rollback_leaves_the_named_venv(results: dict[str, TaskResult]) -> None:
    target = Path(results["link"].result["stat"]["lnk_source"])

    assert target.name == results["one"].result["to"]


def test_a_modified_file_is_named_and_mended(results: dict[str, TaskResult]) -> None:
    assert results["damaged"].state == "failed"
    assert "beta.py" in results["damaged"].result["msg"]
    assert "beta.py: changed" in results["mend"].result["diff"]["before"]


def test_a_failure_has_its_cause_and_remedy(results: dict[str, TaskResult]) -> None:
    assert results["wrong"].state == "failed"
    assert "404" in results["wrong"].result["msg"]
    assert results["wrong"].result["remedy"]
