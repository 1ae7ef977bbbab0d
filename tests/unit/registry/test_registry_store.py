import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.registry.auth import passwords
from fuel_upgrade.registry.auth.accounts import TOKEN_LIFETIME_S
from fuel_upgrade.registry.refusal import RefusedError, bad_request
from fuel_upgrade.registry.release_store import RefuseTaken, Store
from fuel_upgrade.registry.resources import Cluster, JsonObject, ReleaseFields, StoredRelease

CHEAP_BLOCKS = 2  # no test here is about the cost of a hash


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/registry.sqlite"
    made = Store.open(url, clock=clock, hash_blocks=CHEAP_BLOCKS)
    yield made
    made.close()


def fields(name: str = "Juno", version: str = "2014.2-6.0", **repos: str) -> ReleaseFields:
    return ReleaseFields(
        name=name,
        version=version,
        operating_system="Ubuntu",
        orchestrator_data={"repo_metadata": repos},
        details={"roles": ["controller"]},
    )


def test_a_release_comes_back_as_it_was_written(store: Store) -> None:
    added = store.add_release(fields())
    assert added.fields == fields()
    assert store.release(added.id) == added


def repo_names(store: Store, release_id: int) -> list[str]:
    data = store.release(release_id).fields.orchestrator_data or {}
    repos = data["repo_metadata"]
    assert isinstance(repos, dict)
    return list(repos)


def test_the_order_of_repos_survives_even_a_change_of_nothing_else(store: Store) -> None:
    added = store.add_release(fields(b="1", a="2"))
    assert repo_names(store, added.id) == ["b", "a"]
    store.change_release(added.id, lambda _current, _refuse: fields(a="2", b="1"))
    assert repo_names(store, added.id) == ["a", "b"]


def test_a_name_and_version_are_taken_once(store: Store) -> None:
    first, second = store.add_release(fields()), store.add_release(fields(version="2"))
    with pytest.raises(RefusedError, match="already exists"):
        store.add_release(fields())
    with pytest.raises(RefusedError, match="already exists"):
        store.change_release(second.id, lambda _current, _refuse: fields())
    with pytest.raises(RefusedError, match="already exists"):
        store.refuse_taken("Juno", "2014.2-6.0")
    with pytest.raises(RefusedError, match="already exists"):
        store.change_release(second.id, refuse_as_first)
    store.change_release(first.id, refuse_as_first)


def refuse_as_first(current: ReleaseFields, refuse_taken: RefuseTaken) -> ReleaseFields:
    refuse_taken("Juno", "2014.2-6.0")
    return current


def test_releases_are_listed_in_the_order_of_nailgun(store: Store) -> None:
    for version in ("2014.2-9.0", "2016-10.0", "2014.2-6.0"):
        store.add_release(fields(version=version))
    assert [r.fields.version for r in store.releases()] == ["2014.2-9.0", "2014.2-6.0", "2016-10.0"]


def test_an_id_is_never_given_again(store: Store) -> None:
    gone = store.add_release(fields()).id
    store.delete_release(gone)
    assert store.add_release(fields()).id > gone


def test_a_release_in_use_stays(store: Store) -> None:
    release = store.add_release(fields())
    cluster = store.add_cluster("c", release.id, fuel_version="6.0")
    with pytest.raises(RefusedError, match="clusters assigned"):
        store.delete_release(release.id)
    store.delete_cluster(cluster.id)
    store.delete_release(release.id)
    assert store.releases() == ()


@pytest.mark.parametrize("release_id", [0, 7, 2**31, 2**70])
def test_an_unknown_id_is_refused_with_404(store: Store, release_id: int) -> None:
    for method in (store.release, store.delete_release, store.notification, store.task):
        with pytest.raises(RefusedError) as caught:
            method(release_id)
        assert caught.value.status == 404


def test_a_cluster_needs_a_release_and_a_name_of_its_own(store: Store) -> None:
    with pytest.raises(RefusedError) as caught:
        store.add_cluster("c", 5, fuel_version="6.0")
    assert caught.value.status == 400
    release = store.add_release(fields())
    store.add_cluster("c", release.id, fuel_version="6.0")
    with pytest.raises(RefusedError) as caught:
        store.add_cluster("c", release.id, fuel_version="6.0")
    assert caught.value.status == 409


def test_a_task_is_deleted_unless_it_runs(store: Store) -> None:
    running, ready = store.add_task("deploy", "running"), store.add_task("dump", "ready")
    store.delete_task(ready.id)
    with pytest.raises(RefusedError, match="running task"):
        store.delete_task(running.id)
    assert store.tasks() == (running,)
    with pytest.raises(RefusedError, match="Task not found"):
        store.delete_task(ready.id)


def test_a_change_of_a_cluster_keeps_its_id_and_needs_a_release(store: Store) -> None:
    release = store.add_release(fields())
    made = store.add_cluster("c", release.id, fuel_version="6.0")
    other = store.add_cluster("other", release.id, fuel_version="6.0")

    def rename(current: Cluster, _release: StoredRelease) -> Cluster:
        return current.model_copy(update={"name": "n", "attributes": {"editable": {"a": 1}}})

    changed = store.change_cluster(made.id, rename)
    assert (changed.id, changed.name, changed.attributes) == (made.id, "n", {"editable": {"a": 1}})
    assert store.cluster(made.id) == changed
    with pytest.raises(RefusedError) as taken:
        store.change_cluster(other.id, rename)
    assert taken.value.status == 409
    with pytest.raises(RefusedError, match="Invalid release ID"):
        store.change_cluster(made.id, lambda c, _r: c.model_copy(update={"release_id": 99}))
    assert store.cluster(made.id) == changed


def test_the_attributes_of_a_new_cluster_may_refuse_its_release(store: Store) -> None:
    release = store.add_release(fields())

    def refuse(_cluster: Cluster, _release: StoredRelease) -> JsonObject:
        raise bad_request("no")

    with pytest.raises(RefusedError, match="no"):
        store.add_cluster("c", release.id, fuel_version="6.0", attributes=refuse)
    assert store.clusters() == ()


def test_deleting_a_cluster_leaves_its_nodes_and_tasks_without_one(store: Store) -> None:
    cluster = store.add_cluster("c", store.add_release(fields()).id, fuel_version="6.0")
    task = store.add_task("deploy", "running", cluster_id=cluster.id)
    store.add_node("n", "ready", cluster_id=cluster.id)
    store.delete_cluster(cluster.id)
    assert store.task(task.id).cluster is None
    assert [node.cluster for node in store.nodes()] == [None]


def test_notifications_keep_status_and_time(store: Store) -> None:
    made = store.add_notification("release", "New release available: A (1)")
    assert (made.status, made.created_s) == ("unread", 1_000_000)
    assert made.to_wire()["date"] == "12-01-1970"
    assert made.to_wire()["time"] == "13:46:40"
    (marked,) = store.mark_notifications({made.id: "read"})
    assert marked.status == "read"
    store.delete_notification(made.id)
    assert store.notifications() == ()


def test_a_password_is_checked_and_can_change(store: Store) -> None:
    store.accounts.set_password("admin", "one")
    user = store.accounts.authenticate("admin", "one")
    assert user is not None
    assert store.accounts.authenticate("nobody", "one") is None
    store.accounts.set_password("admin", "two")
    assert store.accounts.authenticate("admin", "one") is None
    assert store.accounts.authenticate("admin", "two") == user


def test_a_token_lives_for_its_time(store: Store, clock: Clock) -> None:
    store.accounts.set_password("admin", "one")
    user = store.accounts.authenticate("admin", "one")
    assert user is not None
    token, expires_s = store.accounts.issue_token(user)
    assert expires_s == 1_000_000 + TOKEN_LIFETIME_S
    assert store.accounts.knows_token(token)
    assert not store.accounts.knows_token(token[:-1])
    clock.now_s += TOKEN_LIFETIME_S
    assert not store.accounts.knows_token(token)


def test_the_file_holds_no_secret_and_is_private(store: Store, tmp_path: Path) -> None:
    store.accounts.set_password("admin", "correct horse")
    token, _ = store.accounts.issue_token(1)
    store.close()
    path = tmp_path / "registry.sqlite"
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"correct horse" not in content
    assert token.encode() not in content
    assert passwords.token_digest(token).encode() in content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_written_data_survives_a_restart(store: Store, tmp_path: Path) -> None:
    added = store.add_release(fields())
    store.close()
    again = Store.open(f"sqlite:///{tmp_path}/registry.sqlite")
    assert again.releases() == (added,)
    again.close()


def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="cannot be used"):
        Store.open(f"sqlite:///{tmp_path}/none/registry.sqlite")


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("not a database, but long enough to be taken for one" * 100)
    with pytest.raises(OutsideError, match="cannot be used"):
        Store.open(f"sqlite:///{tmp_path}/x")
