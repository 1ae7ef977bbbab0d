"""The effect of a squash on nodes: real apt and dnf with sources written before it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from demo.nodes import AptNode, DnfNode
from demo.releases import fates
from fuel_upgrade.nodes.chain_content import fetch_content
from fuel_upgrade.nodes.exact_sources import render_exact
from fuel_upgrade.nodes.repo_identity import fetch_identity
from fuel_upgrade.nodes.sources import NodeSource, render_apt, render_yum
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.releases.gc import Gc
from fuel_upgrade.upgrade.releases.squash_release import plan_squash
from tests.master import ScratchMaster, scratch_master
from tests.tools import needs

pytestmark = needs("apt-get", "dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c", "dnf")
NEW = "2014.2-6.0"
NAMES = [fate.name for fate in fates()]
Render = Callable[[str, list[NodeSource]], Mapping[str, str]]


def exact(system: str, sources: list[NodeSource]) -> Mapping[str, str]:
    return render_exact(system, [fetch_content(source, timeout_s=120) for source in sources])


def plain(system: str, sources: list[NodeSource]) -> Mapping[str, str]:
    known = [fetch_identity(source, timeout_s=120) for source in sources]
    return render_apt(known) if system == "ubuntu" else render_yum(known)


def sources(master: ScratchMaster, system: str) -> list[NodeSource]:
    """Return the repos that Nailgun names for the new release, as files."""
    data = next(
        r for r in master.client.releases() if (r.version, r.os_key) == (NEW, system)
    ).orchestrator
    assert data is not None
    at = f"file://{master.config.paths.repos}"
    return [
        NodeSource(r.name, r.url.replace("http://127.0.0.1:8080", at), r.suite, r.components)
        for r in data.repos
    ]


def node(system: str, root: Path) -> AptNode | DnfNode:
    return AptNode(root) if system == "ubuntu" else DnfNode(root)


def installed(system: str, root: Path, files: Mapping[str, str]) -> Mapping[str, object]:
    made = node(system, root)
    made.apply(files)
    made.install(NAMES)
    return made.installed()


@pytest.fixture(scope="module")
def master(
    tarballs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchMaster]:
    """A master with 5.1 and its diff 6.0; tests leave it so."""
    with scratch_master(tmp_path_factory.mktemp("master")) as scratch:
        scratch.install(tarballs["5.1"])
        scratch.install(tarballs["6.0"])
        scratch.engine().release_backups()
        yield scratch


def squash(master: ScratchMaster) -> str:
    return (
        master.engine()
        .change(lambda: plan_squash(master.config, master.client, NEW, install=new_id()))
        .id
    )


@pytest.mark.parametrize("render", [exact, plain])
@pytest.mark.parametrize("system", ["ubuntu", "centos"])
def test_sources_of_before_go_on_working(
    master: ScratchMaster, tmp_path: Path, system: str, render: Render
) -> None:
    old = render(system, sources(master, system))
    expected = installed(system, tmp_path / "node", old)
    undo = squash(master)
    try:
        known = node(system, tmp_path / "node")
        known.apply(old)  # reads the indexes again: apt refuses a repo whose label changed
        known.upgrade()
        assert known.installed() == expected
        assert installed(system, tmp_path / "fresh", old) == expected
    finally:
        master.engine().rollback(undo)


@pytest.mark.parametrize("system", ["ubuntu", "centos"])
def test_new_sources_need_no_base(tarballs: dict[str, Path], tmp_path: Path, system: str) -> None:
    with scratch_master(tmp_path / "master") as master:
        master.install(tarballs["5.1"])
        master.install(tarballs["6.0"])
        expected = installed(system, tmp_path / "before", exact(system, sources(master, system)))
        squash(master)
        master.engine().release_backups()
        gc = Gc(master.config, master.client, master.engine())
        gc.apply(gc.plan(), install=new_id())
        master.engine().release_backups()
        alone = sources(master, system)
        assert [source.name for source in alone] == [NEW]
        assert installed(system, tmp_path / "after", exact(system, alone)) == expected
