"""Fuel's own command-line client 11 against ``fuel-upgrade registry serve``: a whole session."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import yaml

from tests.fuelclient import FuelClient, installed
from tests.programs import TIMEOUT_S
from tests.registry_service import registry, serving

REPO = {
    "type": "deb",
    "name": "mos",
    "uri": "http://{settings.MASTER_IP}:8080/{cluster.release.version}/ubuntu/x86_64",
    "suite": "mos7.0",
    "section": "main restricted",
    "priority": 1050,
}
RELEASE = {
    "name": "Kilo on Ubuntu 14.04",
    "version": "2015.1.0-7.0",
    "operating_system": "Ubuntu",
    "state": "available",
    "networks_metadata": {"nova_network": {"networks": []}, "neutron": {"networks": []}},
    "attributes_metadata": {"editable": {"repo_setup": {"repos": {"value": [REPO]}}}},
    "deployment_tasks": [{"id": "deploy_start", "type": "stage"}],
}
PASSWORD = "secret"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    own = tmp_path_factory.getbasetemp()
    return installed(own if worker_id == "master" else own.parent)


@pytest.fixture(scope="module")
def client(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuelClient]:
    """The client of a registry with one release; the tests of this module are one session."""
    root, folder = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("client")
    registry(root, "user", "add", "admin", "--password-file", "-", stdin=f"{PASSWORD}\n")
    with serving(root, "--dialect", "6.1", "--master-ip", "10.20.0.2") as service:
        made = FuelClient(programs, folder, service.url, PASSWORD)
        headers = {"X-Auth-Token": made.run("fuel", "token").split()[-1]}
        place = f"{service.url}/api/v1/releases"
        answer = requests.post(place, json=RELEASE, headers=headers, timeout=TIMEOUT_S)
        assert answer.status_code == 201, answer.text
        yield made


@pytest.fixture
def environment(client: FuelClient) -> Iterator[str]:
    """The id of an environment on the release."""
    output = client.run(
        "fuel2", "env", "create", "-r", "1", "production", "-f", "value", "-c", "id"
    )
    number = output.split()[-1]
    yield number
    client.run("fuel", "--env", number, "env", "delete", "--force")


def loaded(path: Path) -> object:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_version_and_a_token_are_shown(client: FuelClient) -> None:
    assert "auth_required" in client.run("fuel2", "fuel-version")
    assert len(client.run("fuel", "token").split()[-1]) == 64


def test_releases_are_listed_and_their_parts_change(client: FuelClient) -> None:
    for words in (["fuel2", "release", "list"], ["fuel", "release"], ["fuel", "rel", "--rel", "1"]):
        assert "2015.1.0-7.0" in client.run(*words)
    client.run("fuel", "rel", "--rel", "99", fails=True)
    for part, name in (("--network", "networks"), ("--deployment-tasks", "deployment_tasks")):
        client.run("fuel", "rel", "--rel", "1", part, "--download")
        assert loaded(client.folder / "release_1" / f"{name}.yaml")
        client.run("fuel", "rel", "--rel", "1", part, "--upload")


def test_the_repos_of_a_release_are_listed_and_changed(client: FuelClient) -> None:
    assert "mos7.0" in client.run("fuel2", "release", "repos", "list", "1")
    repos = client.folder / "repos.yaml"
    repos.write_text(yaml.safe_dump([REPO, {**REPO, "name": "2014.2.2-6.1"}]))
    client.run("fuel2", "release", "repos", "update", "1", "-f", str(repos))
    assert "2014.2.2-6.1" in client.run("fuel2", "release", "repos", "list", "1")


def test_an_environment_is_created_shown_renamed_and_deleted(client: FuelClient) -> None:
    client.run("fuel2", "env", "create", "-r", "1", "one")
    assert "'two'" in client.run("fuel", "env", "create", "--name", "two", "--rel", "1")
    client.run("fuel", "env", "create", "--name", "two", "--rel", "1", fails=True)
    client.run("fuel2", "env", "create", "-r", "99", "three", fails=True)
    assert "one" in client.run("fuel2", "env", "show", "1")
    client.run("fuel2", "env", "update", "-n", "first", "1")
    client.run("fuel", "--env", "2", "env", "set", "--name", "second")
    listed = client.run("fuel2", "env", "list") + client.run("fuel", "env")
    assert (listed.count("first"), listed.count("second")) == (2, 2)
    client.run("fuel2", "env", "delete", "1")
    client.run("fuel", "--env", "2", "env", "delete", "--force")
    client.run("fuel2", "env", "show", "1", fails=True)
    assert "first" not in client.run("fuel2", "env", "list")


def test_the_settings_of_an_environment_have_its_repos(
    client: FuelClient, environment: str
) -> None:
    place = ["-d", str(client.folder), "-f", "yaml"]
    client.run("fuel2", "env", "settings", "download", environment, *place)
    text = (client.folder / f"environment_{environment}" / "settings.yaml").read_text()
    assert "http://10.20.0.2:8080/2015.1.0-7.0/ubuntu/x86_64" in text
    client.run("fuel2", "env", "settings", "upload", environment, *place)
    for option in ("--download", "--upload", "--default"):
        client.run("fuel", "--env", environment, "settings", option)
    client.run("fuel", "--env", environment, "env", "--deployment-tasks", "--download")
    assert loaded(client.folder / f"cluster_{environment}" / "deployment_tasks.yaml")


def test_notifications_are_sent_and_marked(client: FuelClient) -> None:
    client.run("fuel", "notify", "--topic", "done", "-m", "installed")
    assert "installed" in client.run("fuel", "notifications")
    client.run("fuel", "notifications", "--mark-as-read", "1")
    assert "installed" not in client.run("fuel", "notifications")
    assert "read" in client.run("fuel", "notifications", "-a")


@pytest.mark.parametrize(
    "words",
    [
        ["fuel2", "node", "list"],
        ["fuel", "node"],
        ["fuel2", "node", "list", "-e", "1"],
        ["fuel2", "task", "list"],
        ["fuel2", "network-group", "list"],
        ["fuel", "nodegroup"],
        ["fuel2", "plugins", "list"],
        ["fuel", "plugins"],
    ],
    ids=" ".join,
)
def test_lists_of_things_that_a_new_registry_lacks_are_empty(
    client: FuelClient, words: list[str]
) -> None:
    client.run(*words)


@pytest.mark.parametrize(
    "words", [["fuel2", "env", "deploy", "1"], ["fuel2", "node", "show", "1"]], ids=" ".join
)
def test_commands_that_are_not_supported_fail_with_a_message(
    client: FuelClient, words: list[str]
) -> None:
    assert "404" in client.run(*words, fails=True)


def test_a_user_changes_the_password(client: FuelClient) -> None:
    client.run("fuel", "user", "change-password", "--new-pass", "other")
    client.run("fuel2", "release", "list", fails=True)
    other = replace(client, password="other")
    assert "Kilo" in other.run("fuel2", "release", "list")
    other.run("fuel", "user", "change-password", "--new-pass", PASSWORD)


def test_a_client_after_too_many_wrong_passwords_fails_without_a_traceback(
    client: FuelClient,
) -> None:
    wrong = replace(client, password="wrong")
    assert "401" in wrong.run("fuel2", "release", "list", fails=True)
    login = {"auth": {"passwordCredentials": {"username": "admin", "password": "wrong"}}}
    for _ in range(10):
        requests.post(f"{client.url}/v2.0/tokens", json=login, timeout=TIMEOUT_S)
    assert "429" in wrong.run("fuel2", "release", "list", fails=True)
