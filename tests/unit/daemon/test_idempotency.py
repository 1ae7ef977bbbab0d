import json
from functools import partial
from pathlib import Path

import pytest
from pydantic import BaseModel

from fuel_upgrade.daemon.idempotency import Request, Requests, Starter
from fuel_upgrade.daemon.jobs import JobKind, Jobs
from fuel_upgrade.errors import ConfigError, PreflightError


class Body(BaseModel):
    tarball: str


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state/idempotency.json"


def request(key: str, job: str, tarball: str = "a") -> Request:
    return Request.of(key, "install", Body(tarball=tarball), job)


def test_the_same_request_again_gives_the_first_job_and_starts_none(path: Path) -> None:
    requests, started = Requests(path), list[str]()
    for job in ("one", "two"):
        assert requests.once(request("k", job), partial(started.append, job)) == "one"
    assert started == ["one"]


def test_a_body_of_any_text_can_have_a_key(path: Path) -> None:
    odd = request("k", "one", tarball="/a\ud800\x00")
    assert Requests(path).once(odd, lambda: None) == "one"


def test_a_restart_does_not_forget(path: Path) -> None:
    Requests(path).once(request("k", "one"), lambda: None)
    assert Requests(path).once(request("k", "two"), lambda: pytest.fail("started")) == "one"


def test_another_body_or_kind_under_a_key_is_refused(path: Path) -> None:
    requests = Requests(path)
    requests.once(request("k", "one"), lambda: None)
    others = [
        request("k", "two", tarball="b"),
        Request.of("k", "rollback", Body(tarball="a"), "two"),
        Request.of("k", "install", None, "two"),
    ]
    for other in others:
        with pytest.raises(
            PreflightError, match="'k' was used for another request: job one"
        ) as caught:
            requests.once(other, lambda: pytest.fail("started"))
        assert caught.value.code == "idempotency-conflict"


def test_another_key_begins_another_job(path: Path) -> None:
    requests = Requests(path)
    assert requests.once(request("k", "one"), lambda: None) == "one"
    assert requests.once(request("l", "two"), lambda: None) == "two"


def test_a_refused_request_can_be_repeated(path: Path) -> None:
    requests = Requests(path)

    def refuse() -> None:
        raise PreflightError("busy", remedy="wait")

    with pytest.raises(PreflightError, match="busy"):
        requests.once(request("k", "one"), refuse)
    assert requests.once(request("k", "two"), lambda: None) == "two"


def test_a_job_that_a_crash_cut_off_before_its_first_change_is_begun_anew(path: Path) -> None:
    began = list[str]()

    def ask(job: str, kind: JobKind) -> str:
        starter = Starter(Jobs(), Requests(path), is_in_journal=began.__contains__)
        return starter.start(kind, job, lambda watch: {}, key=f"k {kind}").job

    assert [ask(job, "install") for job in ("one", "two")] == ["one", "two"]
    began.append("two")
    assert ask("three", "install") == "two"
    # The journal does not name an undo, so nobody knows whether it began: never a second one.
    assert [ask(job, "rollback") for job in ("one", "two")] == ["one", "one"]


def test_only_the_last_requests_are_kept(path: Path) -> None:
    requests = Requests(path, kept=3)
    for number in range(5):
        requests.once(request(f"k{number}", f"j{number}"), lambda: None)
    kept = json.loads(path.read_text())["requests"]
    assert [kept[0]["key"], kept[-1]["key"], len(kept)] == ["k2", "k4", 3]


def test_a_damaged_file_is_begun_anew(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("{")
    assert Requests(path).once(request("k", "one"), lambda: None) == "one"
    assert Requests(path).once(request("k", "two"), lambda: None) == "one"


@pytest.mark.parametrize("key", ["", "k" * 256, "a\x1b[0m"])
def test_a_malformed_key_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="Idempotency-Key"):
        request(key, "one")


def test_without_a_key_every_request_starts_a_job(path: Path) -> None:
    starter = Starter(Jobs(), Requests(path), is_in_journal=lambda job: False)
    for job in ("one", "two"):
        assert starter.start("install", job, lambda _watch: {}, key=None).job == job
        starter.jobs.wait()
    assert not path.exists()
