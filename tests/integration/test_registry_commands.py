"""``fuel-upgrade registry``: served over HTTP and TLS, its users, export and import."""

import json
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from fuel_upgrade.errors import ConfigError, PreflightError
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.resources import ReleaseFields
from tests.postgres import KINDS, NewUrl
from tests.programs import TIMEOUT_S
from tests.registry_service import registry, serving
from tests.tools import needs

RELEASE = ReleaseFields(
    name="Juno",
    version="2014.2-6.0",
    operating_system="Ubuntu",
    state="available",
    orchestrator_data={"repo_metadata": {"z": "http://z/ trusty main", "a": "http://a/ x y"}},
    details={"roles": ["controller"], "networks_metadata": {"nova_network": {}}},
)


def log_in(url: str, password: str, **options: Any) -> int:
    auth = {"passwordCredentials": {"username": "admin", "password": password}}
    return requests.post(
        f"{url}/v2.0/tokens", json={"auth": auth}, timeout=TIMEOUT_S, **options
    ).status_code


def fill(store: Store) -> None:
    gone = store.add_release(replace(RELEASE, name="gone"))
    kept = store.add_release(RELEASE)
    store.delete_release(gone.id)
    cluster = store.add_cluster("c", kept.id, fuel_version="6.0")
    store.add_task("deploy", "running", cluster_id=cluster.id)
    store.add_node("n", "ready", cluster_id=cluster.id)
    store.mark_notifications({store.add_notification("done", "installed").id: "read"})
    store.accounts.add_user("admin", "right")
    store.delete_release(store.add_release(replace(RELEASE, name="the newest")).id)


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, new_url: NewUrl) -> str:
    return new_url(request.param)


@pytest.fixture
def filled(url: str) -> Iterator[Store]:
    with closing(Store.open(url)) as store:
        fill(store)
        yield store


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, new_url: NewUrl) -> str:
    return new_url(request.param)


def test_an_export_comes_back_equal_in_either_database(
    tmp_path: Path, filled: Store, url: str, empty_url: str
) -> None:
    file = tmp_path / "export.json"
    registry(tmp_path, "export", str(file), "--with-users", "--database", url)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = registry(tmp_path, "import", str(file), "--json", "--database", empty_url)
    assert json.loads(done.stdout)["imported"] == {
        "releases": 1, "clusters": 1, "nodes": 1, "tasks": 1, "notifications": 1, "users": 1,
    }  # fmt: skip
    with closing(Store.open(empty_url)) as copy:
        assert copy.releases() == filled.releases()
        assert copy.clusters() == filled.clusters()
        assert copy.tasks() == filled.tasks()
        assert copy.nodes() == filled.nodes()
        assert copy.notifications() == filled.notifications()
        assert copy.accounts.authenticate("admin", "right") == 1
        names = [*(copy.releases()[0].fields.orchestrator_data or {})["repo_metadata"]]  # type: ignore[misc]
        assert names == ["z", "a"]
        assert copy.add_release(replace(RELEASE, name="next")).id == 4  # 3 was given and removed
    again = registry(tmp_path, "export", "--with-users", "--database", url)
    assert json.loads(again.stdout) == json.loads(file.read_text())


def test_an_export_has_users_only_on_request(tmp_path: Path, filled: Store, url: str) -> None:
    assert filled.accounts.users()
    exported = json.loads(registry(tmp_path, "export", "--database", url).stdout)
    assert "users" not in exported
    assert "tokens" not in exported


def test_a_registry_that_is_not_empty_is_replaced_only_on_request(
    tmp_path: Path, filled: Store, url: str
) -> None:
    file = tmp_path / "export.json"
    registry(tmp_path, "export", str(file), "--database", url)
    filled.add_release(replace(RELEASE, name="later"))
    before = filled.releases()
    done = registry(tmp_path, "import", str(file), "--database", url, check=False)
    assert done.exit_code == PreflightError.exit_code
    assert "not empty: it has 2 releases, 1 clusters" in done.stderr
    assert filled.releases() == before
    registry(tmp_path, "import", str(file), "--replace", "--database", url)
    assert [release.fields.name for release in filled.releases()] == ["Juno"]
    assert filled.accounts.authenticate("admin", "right") == 1
    assert filled.add_release(replace(RELEASE, name="after")).id == 5


@pytest.mark.parametrize("fault", ["a name twice", "a cluster without its release"])
def test_an_import_that_contradicts_itself_changes_nothing(
    tmp_path: Path, filled: Store, url: str, fault: str
) -> None:
    exported = json.loads(registry(tmp_path, "export", "--database", url).stdout)
    if fault == "a name twice":
        exported["releases"].append({**exported["releases"][0], "id": 77})
    else:
        exported["clusters"][0]["release_id"] = 77
    before = (filled.releases(), filled.clusters(), filled.tasks())
    words = ("import", "-", "--replace", "--database", url)
    done = registry(tmp_path, *words, stdin=json.dumps(exported), check=False)
    assert done.exit_code == ConfigError.exit_code
    assert "contradict each other" in done.stderr
    assert (filled.releases(), filled.clusters(), filled.tasks()) == before


def test_users_are_added_listed_changed_and_removed(tmp_path: Path) -> None:
    assert "nobody can log in" in registry(tmp_path, "user", "list").stdout
    registry(tmp_path, "user", "add", "admin", "--password-file", "-", stdin="one\n")
    done = registry(
        tmp_path, "user", "add", "admin", "--password-file", "-", stdin="two", check=False
    )
    assert (done.exit_code, "exists already" in done.stderr) == (2, True)
    listed = json.loads(registry(tmp_path, "user", "list", "--json").stdout)
    assert listed == {"format": 1, "users": [{"id": 1, "name": "admin"}]}
    with serving(tmp_path) as service:
        assert [log_in(service.url, word) for word in ("one", "two")] == [200, 401]
        registry(tmp_path, "user", "add", "admin", "--replace", "--password-file", "-", stdin="two")
        assert [log_in(service.url, word) for word in ("one", "two")] == [401, 200]
        registry(tmp_path, "user", "remove", "admin")
        assert log_in(service.url, "two") == 401
    done = registry(tmp_path, "user", "remove", "admin", check=False)
    assert (done.exit_code, "User not found" in done.stderr) == (2, True)


def test_a_password_comes_from_where_others_cannot_read_it(tmp_path: Path) -> None:
    done = registry(tmp_path, "user", "add", "admin", check=False)
    assert (done.exit_code, "no terminal" in done.stderr) == (2, True)
    file = tmp_path / "password"
    file.write_text("secret\n")
    file.chmod(0o640)
    words = ("user", "add", "admin", "--password-file", str(file))
    done = registry(tmp_path, *words, check=False)
    assert (done.exit_code, "others can read it" in done.stderr) == (2, True)
    file.chmod(0o600)
    registry(tmp_path, *words)
    file.write_text("\n")
    done = registry(tmp_path, *words, "--replace", check=False)
    assert (done.exit_code, "is empty" in done.stderr) == (2, True)


def test_a_password_in_the_process_list_is_refused(tmp_path: Path) -> None:
    url = "postgresql://fuel:s3cr3t@127.0.0.1/registry"
    done = registry(tmp_path, "user", "list", "--database", url, check=False)
    assert (done.exit_code, "process list" in done.stderr) == (2, True)
    assert "s3cr3t" not in done.stderr


def test_a_migration_by_command_prints_the_revisions(tmp_path: Path) -> None:
    (tmp_path / "var/lib/fuel_upgrade").mkdir(parents=True)
    assert "from revision none to" in registry(tmp_path, "migrate").stdout
    assert "nothing to do" in registry(tmp_path, "migrate").stdout
    assert json.loads(registry(tmp_path, "migrate", "--json").stdout)["backup"] is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_tells_systemd_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(TIMEOUT_S)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        with serving(tmp_path, environment=environment) as service:
            assert listener.recv(100) == b"READY=1"
            assert requests.get(f"{service.url}/api/v1/version", timeout=TIMEOUT_S).ok
            service.process.send_signal(number)
            assert listener.recv(100) == b"STOPPING=1"
            assert service.process.wait(TIMEOUT_S) == 0
        assert "nobody can log in yet" in service.log.read_text()


def test_options_take_the_place_of_settings(tmp_path: Path) -> None:
    config = tmp_path / "etc/fuel-upgrade/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("master_ip: 10.0.0.1\nregistry: {host: 127.0.0.2}\n")
    registry(tmp_path, "user", "add", "admin", "--password-file", "-", stdin="x")
    with serving(tmp_path) as service:
        assert service.url.startswith("http://127.0.0.2:")
        assert "unencrypted" not in service.log.read_text()
    with serving(tmp_path, "--host", "0.0.0.0", "--master-ip", "10.0.0.9") as service:
        assert "unencrypted: the registry listens at 0.0.0.0" in service.log.read_text()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-out", cert, "-keyout", key],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


@needs("openssl")
def test_a_service_speaks_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    registry(tmp_path, "user", "add", "admin", "--password-file", "-", stdin="x")
    with serving(tmp_path, "--tls-cert", str(cert), "--tls-key", str(key)) as service:
        assert service.url.startswith("https://127.0.0.1:")
        assert log_in(service.url, "x", verify=str(cert)) == 200


@needs("openssl")
def test_tls_with_the_wrong_files_is_refused(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    cert, _ = certificate
    for words in (("--tls-cert", cert), ("--tls-cert", cert, "--tls-key", cert)):
        done = registry(tmp_path, "serve", "--port", "0", *map(str, words), check=False)
        assert (done.exit_code, "Traceback" in done.stderr) == (2, False)
