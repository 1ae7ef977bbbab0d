"""Tarballs with flat repos, and with suites and components that are paths, on a master."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from demo.nodes import AptNode
from fuel_upgrade.cli.main import main
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.nodes.sources import from_release
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.install_options import InstallOptions
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan
from tests.builders import Fake, apt_repo, openstack_yaml, write
from tests.master import build, planned, scratch_master
from tests.tools import needs

pytestmark = needs("apt-get", "apt-cache", "apt-ftparchive")

V51, V60 = "2014.1.1-5.1", "2014.2-6.0"
OLD = (Fake("keep"), Fake("nova", content="Icehouse"), Fake("gone"))
NEW = (Fake("keep"), Fake("nova", content="Juno"), Fake("new"))


def make_repo(root: Path, place: str, fakes: Sequence[Fake]) -> Path:
    """Make a repo at ``place``, as in a line of apt."""
    suite, *components = place.split()
    if not components:
        return flat_repo(root, suite, fakes)
    placed = [Fake(f.name, f.version, f.content, component=components[-1]) for f in fakes]
    return apt_repo(root, placed, suite=suite, components=components)


def flat_repo(root: Path, suite: str, fakes: Sequence[Fake]) -> Path:
    """Turn a repo with a suite into a flat one."""
    apt_repo(root, fakes, suffixes=("", ".gz"))
    folder = root / suite
    for path in (root / "dists/precise/main/binary-amd64").iterdir():
        write(folder / path.name, path.read_bytes())
    names = ("Packages", "Packages.gz")
    sums = (f" {hash_file(folder / n)} {(folder / n).stat().st_size} {n}\n" for n in names)
    head = "Origin: Fuel\nLabel: Fuel\nDate: Thu, 01 Jan 2015 00:00:00 UTC\nSHA256:\n"
    write(folder / "Release", head + "".join(sums))
    shutil.rmtree(root / "dists")
    return root


@pytest.fixture(
    params=["./", "some/folder/", "trusty-updates/juno main", "trusty-updates/juno main more/a"]
)
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def tarball(folder: Path, fuel: str, release: Mapping[str, Any]) -> Path:
    version = {"5.1": V51, "6.0": V60}[fuel]
    described = openstack_yaml(["Ubuntu"], version)
    write(folder / f"openstack-{fuel}.yaml", yaml.safe_dump(described))
    write(folder / f"version-{fuel}.yaml", f'VERSION: {{release: "{fuel}"}}\n')
    named = {"openstack_yaml": f"openstack-{fuel}.yaml", "version_yaml": f"version-{fuel}.yaml"}
    spec = {
        "version_yaml": f"version-{fuel}.yaml",
        "upgrade_from": ["5.0", "5.1"],
        "releases": [{**named, **release}],
    }
    path = write(folder / f"bundle-{fuel}.yaml", yaml.safe_dump(spec))
    return build(path, folder / f"fuel-{fuel}-upgrade.tar.zst")


@pytest.fixture
def tarballs(tmp_path: Path, place: str) -> tuple[Path, Path]:
    folder = tmp_path / "inputs"
    make_repo(folder / "old", place, OLD)
    make_repo(folder / "new", place, NEW)
    diff = {"base": V51, "repos": {"ubuntu": {"base": "old", "current": "new"}}}
    return (
        tarball(folder, "5.1", {"repos": {"ubuntu": {"full": "old"}}}),
        tarball(folder, "6.0", diff),
    )


@pytest.mark.parametrize("dialect", ["6.0", "6.1"])
def test_a_chain_on_a_master_serves_nodes_as_the_current_repo_does(
    tmp_path: Path, place: str, tarballs: tuple[Path, Path], dialect: str
) -> None:
    with scratch_master(tmp_path / "master", dialect=dialect) as master:
        master.install(tarballs[0])
        master.engine().install(tarballs[1], InstallOptions(full_view=True), install=new_id())
        sources = from_release(next(r for r in master.client.releases() if r.version == V60))
        root = master.config.paths.repos
    folders = [root / version / "ubuntu/x86_64" for version in (V60, V51)]
    assert [source.place for source in sources] == [
        f"http://127.0.0.1:8080/{folder.relative_to(root)} {place}" for folder in folders
    ]
    expected = names(tmp_path / "alone", tmp_path / "inputs/new", place)
    assert names_of_chain(tmp_path / "chain", folders, place) == expected
    assert set(expected) == {"keep", "nova", "new"}
    view = root / "full-view" / V60 / "ubuntu/x86_64"
    assert names(tmp_path / "view", view, place) == expected


def test_a_changed_index_of_the_base_is_a_drift(
    tmp_path: Path, place: str, tarballs: tuple[Path, Path]
) -> None:
    with scratch_master(tmp_path / "master") as master:
        master.install(tarballs[0])
        shown = planned(master.engine().plan(tarballs[1]))
        kept = SavedPlan.parse(json.loads(json.dumps(shown)), source="plan.json")
        (index,) = (p for p in master.config.paths.repos.rglob("Release"))
        index.write_text(index.read_text().replace("Label: Fuel", "Label: fuel"))
        with pytest.raises(PreflightError, match="has another index now"):
            master.engine().install(tarballs[1], InstallOptions(expected=kept), install=new_id())


def names(folder: Path, repo: Path, place: str) -> dict[str, str]:
    """Return the checksum of each candidate of a node with one repo."""
    node = AptNode(folder)
    line = f"deb [trusted=yes] file:{repo} {place}\n"
    node.apply({"etc/apt/sources.list": line})
    return checksums(node, node.names())


def names_of_chain(folder: Path, repos: Sequence[Path], place: str) -> dict[str, str]:
    given = ",".join(f"file://{repo} {place}" for repo in repos)
    argv = ["node", "sources", "--os", "ubuntu", "--repos", given, "-o", str(folder / "s")]
    done = CliRunner().invoke(main, argv)
    assert done.exit_code == 0, done.output
    node = AptNode(folder / "node")
    files = (p for p in (folder / "s").rglob("*") if p.is_file())
    node.apply({str(p.relative_to(folder / "s")): p.read_text() for p in files})
    shown = [n for n in node.names() if "Candidate: (none)" not in node.policy(n)]
    return checksums(node, shown)


def checksums(node: AptNode, chosen: Sequence[str]) -> dict[str, str]:
    rows = (line.split() for line in node.uris(chosen).splitlines())
    return {name.split("_")[0]: checksum for _, name, _, checksum in rows}
