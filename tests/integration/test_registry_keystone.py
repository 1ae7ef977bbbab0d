"""Logins by Keystone's own client, right and wrong ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from keystoneauth1 import exceptions, session
from keystoneauth1.identity import generic, v2, v3

from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.auth.throttle import FailedLogins, LoginLimits
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user

TIMEOUT_S = 120
DOMAINS: dict[str, Any] = {"user_domain_name": "Default", "project_domain_id": "default"}


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("registry")
    store = Store.open(f"sqlite:///{folder}/registry.sqlite")
    ensure_user(store, "admin", "right")
    ensure_user(store, "guessed", "right")
    ensure_user(store, "changing", "right")
    limits = LoginLimits(per_name=3, per_address=100, window_s=60.0)
    app = create_app(
        store,
        master_ip="10.20.0.2",
        fuel_version=lambda: "6.0",
        failed_logins=FailedLogins(limits, clock=clock),
    )
    with RegistryServer(app, "127.0.0.1", 0) as server:
        yield server.url
    store.close()


def plugins(url: str, password: str) -> list[Any]:
    """Return the client's plugins: of either version, and the one that finds out which there is."""
    user: dict[str, Any] = {"username": "admin", "password": password}
    return [
        v2.Password(f"{url}/v2.0", tenant_name="admin", **user),
        v2.Password(f"{url}/keystone/v2.0", tenant_name="admin", **user),
        v3.Password(f"{url}/v3", project_name="admin", **DOMAINS, **user),
        v3.Password(f"{url}/keystone/v3", user_id="1", password=password, project_id="1"),
        generic.Password(url, project_name="admin", **DOMAINS, **user),
        generic.Password(f"{url}/keystone", tenant_name="admin", **user),
        generic.Password(f"{url}/v3", project_name="admin", **DOMAINS, **user),
    ]


@pytest.mark.parametrize("number", range(7))
def test_keystones_own_client_logs_in_and_reads_releases(url: str, number: int) -> None:
    plugin = plugins(url, "right")[number]
    client = session.Session(auth=plugin)
    assert client.get(f"{url}/api/v1/releases/").json() == []
    access = plugin.get_access(client)
    assert (access.username, access.project_name) == ("admin", "admin")
    assert access.role_names == ["admin"]
    assert not access.will_expire_soon()


def test_an_unscoped_token_of_the_client_has_no_project(url: str) -> None:
    plugin = v3.Password(
        f"{url}/v3", username="admin", password="right", user_domain_id="default", unscoped=True
    )
    access = plugin.get_access(session.Session(auth=plugin))
    assert (access.scoped, access.project_id) == (False, None)


@pytest.mark.parametrize("number", [0, 2])
def test_the_client_understands_a_refusal(url: str, number: int) -> None:
    client = session.Session(auth=plugins(url, "wrong")[number])
    with pytest.raises(exceptions.Unauthorized):
        client.get_token()


def log_in(url: str, name: str, password: str) -> requests.Response:
    user = {"name": name, "domain": {"id": "default"}, "password": password}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity}}
    return requests.post(f"{url}/v3/auth/tokens", json=body, timeout=TIMEOUT_S)


def ask(url: str, method: str, caller: str | None, subject: str | None) -> requests.Response:
    given = {"X-Auth-Token": caller, "X-Subject-Token": subject}
    headers = {name: value for name, value in given.items() if value is not None}
    return requests.request(method, f"{url}/v3/auth/tokens", headers=headers, timeout=TIMEOUT_S)


def test_a_token_is_validated_and_after_its_revocation_good_for_nothing(url: str) -> None:
    made, own = log_in(url, "admin", "right"), log_in(url, "admin", "right")
    token, caller = (answer.headers["X-Subject-Token"] for answer in (made, own))
    shown = ask(url, "GET", caller, token)
    assert (shown.status_code, shown.json()) == (200, made.json())
    assert shown.headers["X-Subject-Token"] == token
    assert ask(url, "HEAD", caller, token).status_code == 200
    assert ask(url, "DELETE", caller, token).status_code == 204
    refused = ask(url, "GET", caller, token)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, 404)
    listed = requests.get(
        f"{url}/api/v1/releases", headers={"X-Auth-Token": token}, timeout=TIMEOUT_S
    )
    assert listed.status_code == 401
    assert ask(url, "GET", caller, caller).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_tokens_are_shown_to_nobody_without_one(url: str, method: str) -> None:
    token = log_in(url, "admin", "right").headers["X-Subject-Token"]
    assert ask(url, method, None, token).status_code == 401
    assert ask(url, method, "0" * 64, token).status_code == 401
    assert ask(url, method, token, None).status_code == 404


def test_refusals_below_v3_are_json_whoever_makes_them(url: str) -> None:
    sent = requests.post(f"{url}/v3/auth/tokens", data=b"{", timeout=TIMEOUT_S)
    assert (sent.status_code, sent.json()["error"]["title"]) == (400, "Bad Request")
    wrong = requests.put(f"{url}/keystone/v3/auth/tokens", timeout=TIMEOUT_S)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, 405)
    assert wrong.headers["Allow"] == "DELETE, GET, POST"


def test_the_list_of_versions_has_the_address_of_the_request(url: str) -> None:
    answer = requests.get(f"{url}/keystone", timeout=TIMEOUT_S)
    actual = [version["links"][0]["href"] for version in answer.json()["versions"]["values"]]
    assert (answer.status_code, actual) == (300, [f"{url}/keystone/v3/", f"{url}/keystone/v2.0/"])


def test_a_malformed_host_is_given_back_as_it_came(url: str) -> None:
    answer = requests.get(url, headers={"Host": "["}, timeout=TIMEOUT_S)
    assert answer.status_code == 300
    assert '"http://[/v3/"' in answer.text


def test_guesses_are_held_up_in_both_versions_until_the_pause_is_over(
    url: str, clock: Clock
) -> None:
    statuses = [log_in(url, "guessed", f"guess {number}").status_code for number in range(4)]
    assert statuses == [401, 401, 401, 429]
    held = log_in(url, "guessed", "right")
    assert (held.status_code, "Retry-After" in held.headers) == (429, False)
    assert held.json()["error"]["title"] == "Too Many Requests"
    credentials = {"username": "guessed", "password": "right"}
    body = {"auth": {"tenantName": "admin", "passwordCredentials": credentials}}
    older = requests.post(f"{url}/v2.0/tokens", json=body, timeout=TIMEOUT_S)
    assert (older.status_code, "Retry-After" in older.headers) == (429, False)
    assert older.text == "Too many wrong passwords; try again in 60 seconds"
    assert log_in(url, "admin", "right").status_code == 201
    clock.now_s += 60
    assert log_in(url, "guessed", "right").status_code == 201


def log_in_v2(url: str, **auth: object) -> requests.Response:
    return requests.post(f"{url}/v2.0/tokens", json={"auth": auth}, timeout=TIMEOUT_S)


def password_of(name: str, password: str) -> dict[str, object]:
    return {"passwordCredentials": {"username": name, "password": password}}


def test_a_login_by_token_gives_the_same_token_and_expiry(url: str) -> None:
    first = log_in_v2(url, **password_of("admin", "right")).json()["access"]
    again = log_in_v2(url, tenantId="1", token={"id": first["token"]["id"]})
    assert (again.status_code, again.json()["access"]) == (200, first)
    assert log_in_v2(url, token={"id": "0" * 64}).status_code == 401
    both = log_in_v2(url, token=first["token"], **password_of("admin", "wrong"))
    assert both.status_code == 401


def test_users_change_their_own_password_and_lose_all_other_tokens(url: str) -> None:
    other = log_in_v2(url, **password_of("admin", "right")).json()["access"]
    before = log_in_v2(url, **password_of("changing", "right")).json()["access"]

    def change(user: dict[str, str], path: str, token: str = before["token"]["id"]) -> Any:
        place, headers = f"{url}/keystone/v2.0/OS-KSCRUD/users/{path}", {"X-Auth-Token": token}
        body = {"user": user}
        return requests.patch(place, json=body, headers=headers, timeout=TIMEOUT_S)

    own, new = before["user"]["id"], {"original_password": "right", "password": "new"}
    assert change(new, other["user"]["id"]).status_code == 403
    assert change(new, own, other["token"]["id"]).status_code == 403
    assert change({**new, "original_password": "wrong"}, own).status_code == 401
    assert change({**new, "password": ""}, own).status_code == 400
    assert change({"password": "new"}, own).status_code == 400
    changed = change(new, own)
    assert changed.status_code == 200
    fresh = changed.json()["access"]["token"]["id"]
    assert change(new, own).status_code == 401  # by a token that is revoked
    assert log_in_v2(url, **password_of("changing", "right")).status_code == 401
    assert log_in_v2(url, **password_of("changing", "new")).status_code == 200
    headers = {"X-Auth-Token": fresh}
    listed = requests.get(f"{url}/api/v1/releases", headers=headers, timeout=TIMEOUT_S)
    assert listed.status_code == 200
