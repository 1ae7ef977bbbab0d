"""Deployment info of a master's own registry, against the output of ``node sources``."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from demo.web import served
from fuel_upgrade.errors import ConfigError, OutsideError, PreflightError
from fuel_upgrade.nodes.chain_content import fetch_content
from fuel_upgrade.nodes.exact_sources import render_exact
from fuel_upgrade.nodes.repo_identity import fetch_identity
from fuel_upgrade.nodes.sources import from_release
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.lines import LINES
from fuel_upgrade.registry.server import RegistryServer
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, RepoEntry
from fuel_upgrade.upgrade.releases.own_sources import render_own
from tests.master import ScratchMaster, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
TIMEOUT_S = 120


def ask(master: ScratchMaster, path: str) -> requests.Response:
    """Ask a registry over the master's releases, put together as the daemon does it."""
    app = create_app(
        master.store,
        master_ip="127.0.0.1",
        fuel_version=lambda: "6.0",
        node_sources=partial(render_own, master.config),
    )
    token, _ = master.store.accounts.issue_token(1)
    with RegistryServer(app, "127.0.0.1", 0) as server:
        headers = {"X-Auth-Token": token}
        return requests.get(f"{server.url}/api/v1{path}", headers=headers, timeout=TIMEOUT_S)


def as_a_node_reads(release: RegisteredRelease, master: ScratchMaster) -> dict[str, str]:
    """Render from the repos as a web server gives them, under the addresses of the master."""
    with served(master.config.paths.repos) as url:
        contents = []
        for source in from_release(release):
            moved = replace(source, url=source.url.replace("http://127.0.0.1:8080", url))
            known = fetch_identity(moved, timeout_s=TIMEOUT_S)
            content = fetch_content(known, timeout_s=TIMEOUT_S)
            contents.append(replace(content, source=replace(known, url=source.url)))
    return render_exact(release.os_key, contents)


def test_it_has_the_sources_that_node_sources_writes(
    tmp_path: Path, tarballs: dict[str, Path]
) -> None:
    with scratch_master(tmp_path / "root") as master:
        master.install(tarballs["5.1"])
        master.install(tarballs["6.0"])
        for release in master.client.releases():
            info: Any = ask(master, f"/releases/{release.id}/deployment-info").json()
            assert info["sources"] == as_a_node_reads(release, master)
            assert info["release"]["version"] == release.version
            wire: Any = master.store.release(release.id).to_wire(LINES["6.0"])["orchestrator_data"]
            assert list(info["repo_metadata"].items()) == list(wire["repo_metadata"].items())


def test_in_the_later_line_it_has_the_list_with_its_macros_filled_in(
    tmp_path: Path, tarballs: dict[str, Path]
) -> None:
    with scratch_master(tmp_path / "root", dialect="6.1") as master:
        master.install(tarballs["5.1"])
        release = master.client.releases()[0]
        info: Any = ask(master, f"/releases/{release.id}/deployment-info").json()
        assert info["sources"] == as_a_node_reads(release, master)
        assert release.orchestrator is not None
        (own,) = release.orchestrator.repos
        assert info["repo_metadata"] == {own.name: own.location}
        assert info["puppet_modules_source"] == release.orchestrator.puppet_modules_source


def test_a_repo_that_is_gone_is_told(tmp_path: Path, tarballs: dict[str, Path]) -> None:
    with scratch_master(tmp_path / "root") as master:
        master.install(tarballs["5.1"])
        release = master.client.releases()[0]
        master.config.paths.repos.rename(tmp_path / "elsewhere")
        answer = ask(master, f"/releases/{release.id}/deployment-info")
        assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (
            409,
            "text/html",
        )
        assert "no repo at" in answer.text


@pytest.mark.parametrize(
    ("system", "location", "error"),
    [
        ("Ubuntu", "http://10.0.0.1/secret precise main", PreflightError),
        ("Ubuntu", "file:///etc precise main", PreflightError),
        ("Ubuntu", "http://127.0.0.1:8080/../../etc precise main", PreflightError),
        ("Ubuntu", "http://127.0.0.1:8080/none precise main", OutsideError),
        ("CentOS", "http://127.0.0.1:8080/none", OutsideError),
        ("Solaris", "http://127.0.0.1:8080/none", ConfigError),
        ("Ubuntu", None, ConfigError),
    ],
)
def test_nothing_is_read_but_the_masters_own_repos(
    tmp_path: Path, system: str, location: str | None, error: type[Exception]
) -> None:
    entries = () if location is None else (RepoEntry("r", location),)
    release = RegisteredRelease(1, "r", "r", system, "", OrchestratorData(entries, "", ""))
    with scratch_master(tmp_path / "root") as master, pytest.raises(error):
        render_own(master.config, release)
