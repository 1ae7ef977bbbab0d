"""The daemon's API, over a scratch master, against requests drawn from its own description."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from fuel_upgrade.daemon.api import create_app
from fuel_upgrade.daemon.api_context import ApiContext
from fuel_upgrade.daemon.jobs import Jobs
from fuel_upgrade.daemon.live_settings import LiveSettings
from fuel_upgrade.daemon.metrics import Metrics
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.registry.server import RegistryServer
from fuel_upgrade.system.tree_digest import digest
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints
from tests.fuzzing import DAEMON_CASES, TIMEOUT_S, Target
from tests.master import ScratchMaster, planned, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


def bodies(tarballs: dict[str, Path], plan: Any, gc_plan: Any) -> dict[str, list[Any]]:
    first, second = str(tarballs["5.1"]), str(tarballs["6.0"])
    one = {"tarball": first, "verify_base": True, "full_view": False}
    several = {"tarballs": [second, first]}
    folder = {"tarball": str(tarballs["5.1"].parent)}
    return {
        "POST /v1/plans": [one, several, folder, {**one, "full_view": True}],
        "POST /v1/repair-requests": [{"tarball": first}, {"tarball": second}],
        "POST /v1/installs": [
            one,
            several,
            {"plan": plan},
            {**one, "wait_s": 0.5, "wait_for_tasks_s": 0.5},
        ],
        "POST /v1/rollbacks": [{}, {"install": "0"}],
        "POST /v1/recoveries": [{}, {"policy": "resume"}],
        "POST /v1/repairs": [{}, {"accept": True}, {"install": "0"}],
        "POST /v1/gc-plans": [{}, {"releases": ["2014.1.1-5.1"]}],
        "POST /v1/gcs": [{"plan": gc_plan}],
        "POST /v1/squash-plans": [{"release": "2014.2-6.0"}],
        "POST /v1/squashes": [{"release": "2014.2-6.0"}],
    }


def serving(master: ScratchMaster, jobs: Jobs) -> RegistryServer:
    """Serve the daemon's application; the class serves any, over TCP."""
    service = ApiContext(
        read_config=lambda: master.config,
        connect=lambda: NailgunClient(master.settings),
        control_plane="embedded registry",
        jobs=jobs,
        fail_points=FailPoints(""),
        metrics=Metrics(lambda: master.config, jobs),
        reload=LiveSettings(master.config, lambda: master.config).reload,
    )
    return RegistryServer(create_app(service), "127.0.0.1", 0)


def test_the_daemon_answers_any_request_as_described(
    tmp_path: Path, tarballs: dict[str, Path]
) -> None:
    jobs, known = Jobs(), {"install": ["x"], "job": ["x"], "release_id": ["1", "2", "3"]}

    def learn(response: requests.Response) -> None:
        with suppress(ValueError, LookupError, TypeError):
            job = response.json()["job"]
            if isinstance(job, str):  # in the status it is the work of the job
                known["job"].append(job)
                known["install"].append(job)

    # A folder of its own: other tests write beside the tarballs that all share.
    folder = tmp_path / "tarballs"
    folder.mkdir()
    given = {fuel: Path(shutil.copy(tarball, folder)) for fuel, tarball in tarballs.items()}
    before = digest(folder)
    with scratch_master(tmp_path / "root") as master:
        master.install(given["5.1"])
        gc_plan = {"format": 1, "fuel_version": "5.1", "retire": [], "folders": [], "keep": []}
        gc_plan |= {"freed_bytes": 0}
        deep = bodies(given, planned(master.engine().plan(given["6.0"])), gc_plan)
        with serving(master, jobs) as server:
            url = server.url
            document = requests.get(f"{url}/openapi.json", timeout=TIMEOUT_S).json()
            target = Target(url, document, bodies=deep, known=known, learn=learn)
            target.fuzz(DAEMON_CASES)
            jobs.wait()
    print(f"\ndaemon: {target}")  # noqa: T201 - counts for people
    assert target.cases >= DAEMON_CASES
    got = {status for _, status in target.statuses}
    assert got >= {200, 202, 400, 404}
    assert not [status for status in got if status >= 500]
    assert digest(folder) == before
    assert {path.name for path in tmp_path.iterdir()} == {"root", "tarballs"}
