"""``fuel-upgrade releases`` against the real daemon with its registry."""

import json
from contextlib import closing
from pathlib import Path

import httpx

from fuel_upgrade.registry.release_store import Store
from tests.host import Host
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
V60, V51 = "2014.2-6.0", "2014.1.1-5.1"


def test_releases_are_shown_compared_and_deleted(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
        last = host.json("install", tarballs["6.0"])
        assert host.json("releases")["releases"] == host.json("releases", "list")["releases"]
        (new,) = host.json("releases", "show", f"{V60}/ubuntu")["releases"]
        (old,) = host.json("releases", "show", f"{V51}/ubuntu")["releases"]
        assert [repo["name"] for repo in new["repos"]] == [V60, V51]
        assert [one["id"] for one in new["installs"]] == [last["id"]] == [new["undoable"]]
        assert (old["undoable"], [one["id"] for one in old["base_of"]]) == (None, [new["id"]])
        assert new["body"]["version"] == V60
        assert "registered by" in host.command("releases", "show", V60).stdout

        compared = host.command("releases", "diff", f"{V51}/ubuntu", f"{V60}/ubuntu")
        assert compared.returncode == 8, compared.stderr
        assert f'+ repos[name="{V60}"]' in compared.stdout
        assert host.command("releases", "diff", V60, V60).returncode == 0
        same = host.command("releases", "diff", tarballs["6.0"], V60, "--json")
        assert same.returncode == 0, same.stdout
        assert [one["equal"] for one in json.loads(same.stdout)["comparisons"]] == [True, True]


def test_a_release_in_use_is_kept_and_a_free_one_goes(
    host: Host, tarballs: dict[str, Path]
) -> None:
    database = host.root / "var/lib/fuel_upgrade/registry.sqlite"
    with host.daemon(), closing(Store.open(f"sqlite:///{database}")) as store:
        host.json("install", tarballs["5.1"])
        host.json("install", tarballs["6.0"])
        before = host.tree()
        ids = {
            r["version"]: r["id"]
            for r in host.json("releases", "list", "--os", "ubuntu")["releases"]
        }
        cluster = store.add_cluster("production", ids[V60], fuel_version="6.0")
        refused = host.command("releases", "delete", V60, V51, "--yes")
        assert refused.returncode == 4
        assert "clusters use it: production (id 1)" in refused.stderr
        assert "fuel-upgrade rollback" in refused.stderr
        assert len(host.json("releases")["releases"]) == 4
        store.delete_cluster(cluster.id)

        requested = host.command("releases", "delete", V60, "--force")
        assert (requested.returncode, "--yes" in requested.stderr) == (2, True)
        done = host.command("releases", "delete", V60, "--force", "--yes")
        assert done.returncode == 0, done.stderr
        for place in (f"var/www/nailgun/{V60}/ubuntu", f"etc/puppet/{V60}"):
            assert f"  {host.root / place}" in done.stdout
        assert f"/{V51}/" not in done.stdout
        assert {r["version"] for r in host.json("releases")["releases"]} == {V51}
        assert host.tree() == before
        assert "release deleted" in host.log()


def test_the_api_names_the_refused_release(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
        transport = httpx.HTTPTransport(uds=str(host.root / "run/fuel-upgrade/api.sock"))
        with httpx.Client(transport=transport, base_url="http://daemon/v1") as client:
            shown = client.get("/releases/1").json()
            refused = client.delete("/releases/1")
            assert (refused.status_code, refused.json()["error"]) == (409, "not-ready")
            assert shown["undoable"] in refused.json()["what"]
            for path, status in (("/releases/99", 404), ("/releases/x", 400), ("/releases/0", 400)):
                assert client.get(path).status_code == status
                assert client.delete(path).status_code == status
                assert client.get(path).json()["remedy"]
            gone = client.delete("/releases/1", params={"force": "true"})
            assert gone.status_code == 200
            assert gone.json()["deleted"]["id"] == 1
            assert client.get("/releases/1").status_code == 404
