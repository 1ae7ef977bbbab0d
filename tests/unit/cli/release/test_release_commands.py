"""Selection and comparison of releases, and reasons against a deletion."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from fuel_upgrade.cli.client.daemon_client import DaemonClient, Target
from fuel_upgrade.cli.commands import releases
from fuel_upgrade.cli.release.diff_command import DIFFERENT, Side, pair
from fuel_upgrade.cli.release.find_release import resolve
from fuel_upgrade.errors import ConfigError, NotFoundError, PreflightError
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, RepoEntry
from fuel_upgrade.upgrade.releases.deletion_rules import Ties, dependents, refusals

V60, V51 = "2014.2-6.0", "2014.1.1-5.1"


def registered(number: int, version: str, system: str, *bases: str) -> dict[str, Any]:
    repos = [{"name": v, "location": f"http://m/{v}/{system}"} for v in (version, *bases)]
    return {
        "id": number, "name": f"{version} on {system}", "version": version,
        "operating_system": system, "state": "available", "repos": repos,
    }  # fmt: skip


RELEASES = [
    registered(4, V60, "Ubuntu", V51), registered(3, V60, "CentOS", V51),
    registered(2, V51, "Ubuntu"), registered(1, V51, "CentOS"),
]  # fmt: skip


class FakeDaemon(DaemonClient):
    """Has releases and their clusters; records deletions."""

    def __init__(self, **used: Mapping[int, Any]) -> None:
        self.used = used
        self.deleted: list[str] = []

    def get(self, path: str) -> Any:
        if path == "/releases":
            return RELEASES
        one = next(r for r in RELEASES if f"/releases/{r['id']}" == path)
        body = {k: one[k] for k in ("name", "version", "operating_system", "state")}
        body |= {"roles": ["controller"], "volumes_metadata": {"x": 1}, "wizard_metadata": {}}
        body["networks_metadata"] = {"nova_network": {"networks": [{"name": "public"}]}}
        body |= {"description": "images at 10.20.0.2", "deployment_tasks": [{"id": "a"}]}
        return {
            **one, "puppet_manifests_source": "rsync://m", "puppet_modules_source": "rsync://n",
            "clusters": self.used.get("clusters", {}).get(one["id"], []),
            "base_of": self.used.get("base_of", {}).get(one["id"], []),
            "installs": [], "undoable": self.used.get("undoable", {}).get(one["id"]), "body": body,
        }  # fmt: skip

    def delete(self, path: str) -> Any:
        self.deleted.append(path)
        number = int(path.split("/")[2].partition("?")[0])
        one = next(r for r in RELEASES if r["id"] == number)
        return {"deleted": one, "left": [f"/var/www/nailgun/{one['version']}"]}


class FakeTarget(Target):
    """Gives one client."""

    def __init__(self, daemon: FakeDaemon) -> None:
        object.__setattr__(self, "daemon", daemon)

    def client(self) -> DaemonClient:
        daemon: DaemonClient = self.daemon  # type: ignore[attr-defined]  # set above
        return daemon


def run(daemon: FakeDaemon, *argv: str) -> Any:
    return CliRunner().invoke(
        releases, argv, obj=FakeTarget(daemon), catch_exceptions=False, standalone_mode=False
    )


@pytest.mark.parametrize(
    ("named", "ids"), [("3", [3]), (V60, [4, 3]), (f"{V51}/ubuntu", [2]), (f"{V51}/CentOS", [1])]
)
def test_a_release_is_named_by_id_version_or_version_and_system(named: str, ids: list[int]) -> None:
    assert [one["id"] for one in resolve(RELEASES, named)] == ids


@pytest.mark.parametrize("named", ["9", "2014", f"{V60}/debian", "", "/ubuntu"])
def test_an_unknown_release_raises_not_found(named: str) -> None:
    with pytest.raises(NotFoundError, match="no release of this id or version"):
        resolve(RELEASES, named)


def test_without_a_command_releases_are_listed_as_before() -> None:
    assert json.loads(run(FakeDaemon(), "--json").output) == {"format": 1, "releases": RELEASES}
    assert run(FakeDaemon()).output == run(FakeDaemon(), "list").output
    assert run(FakeDaemon(), "--json", "list").output == run(FakeDaemon(), "--json").output


def test_a_list_is_filtered_by_system_and_state() -> None:
    releases = json.loads(run(FakeDaemon(), "list", "--os", "ubuntu", "--json").output)["releases"]
    assert [release["id"] for release in releases] == [4, 2]
    assert (
        json.loads(run(FakeDaemon(), "list", "--state", "error", "--json").output)["releases"] == []
    )


def test_a_release_is_shown_with_its_ordered_repos_and_its_users() -> None:
    daemon = FakeDaemon(clusters={4: [{"id": 7, "name": "production"}]})
    shown = run(daemon, "show", "4").output
    for text in ("controller", "nova_network: public", "production (id 7)", "rsync://m"):
        assert text in shown
    assert shown.index(f"http://m/{V60}/Ubuntu") < shown.index(f"http://m/{V51}/Ubuntu")
    assert len(json.loads(run(daemon, "show", V60, "--json").output)["releases"]) == 2


def test_releases_are_deleted_newest_first_and_remaining_paths_are_listed() -> None:
    daemon = FakeDaemon()
    done = run(daemon, "delete", V51, "4", "2", "--yes")
    assert daemon.deleted == ["/releases/4", "/releases/2", "/releases/1"]
    assert f"deleted: {V60} on Ubuntu ({V60}), id 4" in done.output
    assert f"/var/www/nailgun/{V51}" in done.output
    assert "fuel-upgrade gc" in done.output


def test_nothing_is_deleted_without_a_terminal_to_confirm() -> None:
    daemon = FakeDaemon()
    with pytest.raises(ConfigError, match="stdin is no terminal") as caught:
        run(daemon, "delete", "4")
    assert "--yes" in caught.value.remedy
    assert daemon.deleted == []


USED = {"id": 9, "name": "production"}
ABOVE = {"id": 4, "name": "Juno", "version": V60}


@pytest.mark.parametrize("force", [False, True])
def test_a_cluster_keeps_a_release_even_from_force(*, force: bool) -> None:
    daemon = FakeDaemon(clusters={2: [USED]})
    with pytest.raises(PreflightError, match=r"clusters use it: production \(id 9\)"):
        run(daemon, "delete", V51, "--yes", *(["--force"] if force else []))
    assert daemon.deleted == []


def test_a_release_that_others_build_on_is_kept_unless_they_go_too_or_it_is_forced() -> None:
    daemon = FakeDaemon(base_of={2: [ABOVE]})
    with pytest.raises(PreflightError, match="its repo is the base of: Juno"):
        run(daemon, "delete", "2", "--yes")
    assert daemon.deleted == []
    run(daemon, "delete", "2", "4", "--yes")
    run(daemon, "delete", "2", "--yes", "--force")
    assert daemon.deleted == ["/releases/4", "/releases/2", "/releases/2?force=true"]


def test_a_release_that_a_rollback_would_remove_points_to_it() -> None:
    shown = FakeDaemon(undoable={4: "22b5589d"}).get("/releases/4")
    ties = Ties.from_json(shown)
    (reason,) = refusals(ties)
    assert "fuel-upgrade rollback 22b5589d" in reason
    assert refusals(ties, force=True) == ()


def test_a_base_is_matched_by_its_own_repo_and_not_by_name() -> None:
    def made(number: int, version: str, *repos: tuple[str, str]) -> RegisteredRelease:
        data = OrchestratorData(tuple(RepoEntry(n, u) for n, u in repos), "", "")
        return RegisteredRelease(number, "n", version, "Ubuntu", "available", data)

    base = made(1, V51, (V51, "http://m/51 precise main"), ("extra", "http://m/extra x y"))
    on_it = made(2, V60, (V60, "http://m/60 precise main"), ("x", "http://m/51 precise main"))
    other = made(3, V60, (V60, "http://m/60"), ("extra", "http://m/extra x y"))
    twin = made(4, V51, (V51, "http://m/51 precise main"))
    bare = RegisteredRelease(5, "n", V60, "Ubuntu", "available", None)
    assert dependents(base, (base, on_it, other, twin, bare)) == (on_it,)
    assert dependents(bare, (base, on_it)) == ()


def side(name: str, system: str) -> Side:
    return Side(name, name, system, {}, is_registered=True)


def test_single_releases_are_compared_whatever_their_system() -> None:
    one, other = side("a", "ubuntu"), side("b", "centos")
    assert pair([one], [other]) == [(one, other)]


def test_several_are_compared_by_system_and_then_by_name() -> None:
    ubuntu, uca, centos = side("u", "ubuntu"), side("uca", "ubuntu"), side("c", "centos")
    assert pair([ubuntu, centos], [ubuntu]) == [(centos, None), (ubuntu, ubuntu)]
    assert pair([ubuntu, uca], [uca]) == [(ubuntu, None), (uca, uca)]
    with pytest.raises(ConfigError, match="several releases for ubuntu"):
        pair([ubuntu, ubuntu], [ubuntu])


def test_releases_that_differ_end_with_a_code_of_their_own() -> None:
    done = run(FakeDaemon(), "diff", "4", "2")
    assert done.return_value == DIFFERENT
    assert f'~ version: "{V60}" -> "{V51}"' in done.output
    assert f'- repos[name="{V60}"]' in done.output
    same = run(FakeDaemon(), "diff", "4", "4", "--json")
    assert same.return_value == 0
    assert json.loads(same.output)["comparisons"][0]["equal"] is True


def test_a_description_is_compared_by_the_fields_that_it_shares_with_nailgun(
    tmp_path: Path,
) -> None:
    fields = {k: RELEASES[0][k] for k in ("name", "version", "operating_system", "state")}
    fields["roles"] = ["controller", "mongo"]
    fields["description"] = "images at {{settings.MASTER_IP}}"
    fields["networks_metadata"] = {"nova_network": {"networks": [{"name": "public"}]}}
    path = tmp_path / "openstack.yaml"
    path.write_text(yaml.safe_dump([{"pk": 1, "fields": fields}]))
    (comparison,) = json.loads(run(FakeDaemon(), "diff", str(path), "4", "--json").output)[
        "comparisons"
    ]
    assert comparison["differences"] == [
        {"kind": "removed", "path": 'roles["mongo"]', "before": "mongo", "after": None}
    ]
    (other_way,) = json.loads(run(FakeDaemon(), "diff", "4", str(path), "--json").output)[
        "comparisons"
    ]
    assert [difference["kind"] for difference in other_way["differences"]] == ["added"]


def test_a_name_that_is_neither_a_release_nor_a_file_raises_not_found() -> None:
    with pytest.raises(NotFoundError, match="and no such file is here"):
        run(FakeDaemon(), "diff", "4", "nothing.yaml")
