"""Nodes whose sources Nailgun 6.1 and later writes: one file for each repo, by its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.nodes import AptNode, DnfNode
from demo.packages import Recipe, make_apt_repo, make_yum_repo
from fuel_upgrade.errors import OutsideError
from fuel_upgrade.nodes.chain_content import fetch_content
from fuel_upgrade.nodes.disable_repos import disable_repos
from fuel_upgrade.nodes.exact_sources import render_exact
from fuel_upgrade.nodes.repo_identity import fetch_identity
from fuel_upgrade.nodes.sources import NodeSource
from fuel_upgrade.release.dialect import DIALECTS
from fuel_upgrade.release.fixture import parse_fixture
from fuel_upgrade.release.model import OrchestratorData, Release, RepoEntry
from fuel_upgrade.release.nailgun_repos import repo_list
from fuel_upgrade.release.registered_repos import orchestrator_data
from fuel_upgrade.repo.apt.release_file import parse_release
from fuel_upgrade.repo.build import build_diff
from tests.tools import needs, shared_dir

needs_apt = needs("apt-get", "apt-ftparchive", "dpkg-deb")
needs_dnf = needs("dnf", "rpm", "rpmbuild", "createrepo_c")
both = pytest.mark.parametrize(
    "system",
    [pytest.param("ubuntu", marks=needs_apt), pytest.param("centos", marks=needs_dnf)],
)

BASES = ("2013.2-4.1", "2013.1-4.0")
FUELS = ("6.0", "6.1", "7.0", "8.0", "9.0")
SUITE = "precise"
OLDEST = (
    Recipe("kept", "1.0-1", "of the oldest"),
    Recipe("rebuilt", "1.0-1", "content A"),
    Recipe("rebuilt-twice", "1.0-1", "content A"),
    Recipe("rebuilt-before", "1.0-1", "content A"),
    Recipe("down", "2.0-1", "down 2.0"),
    Recipe("removed", "1.0-1", "removed"),
    Recipe("updated", "1.0-1", "content A"),
)
BASE = (
    *OLDEST[:2],
    Recipe("rebuilt-twice", "1.0-1", "content B"),
    Recipe("rebuilt-before", "1.0-1", "content B"),
    *OLDEST[4:],
)
CURRENT = (
    OLDEST[0],
    Recipe("rebuilt", "1.0-1", "content C"),
    Recipe("rebuilt-twice", "1.0-1", "content C"),
    BASE[3],
    Recipe("down", "1.5-1", "down 1.5"),
    Recipe("new", "1.0-1", "new"),
    OLDEST[6],
)
OF_THE_MIRROR = (Recipe("kept", "1.0-1", "of the mirror"), Recipe("rebuilt", "1.0-1", "mirror D"))
UPDATES = (Recipe("updated", "1.1-1", "an update"),)
NAMES = [recipe.name for recipe in CURRENT]


@dataclass(frozen=True)
class Repos:
    """The folders of repos by name, and the repos of each release, newest first."""

    root: Path

    @property
    def chain(self) -> tuple[str, ...]:
        return ("diff-2", "diff-1", "oldest")

    def folder(self, system: str, name: str) -> Path:
        if not (self.root / system).exists():
            make_repos(self.root / system, system)
        folder = self.root / system / name
        return folder if folder.exists() else self.root / system / "empty"


def make_repos(root: Path, system: str) -> None:
    releases = {"oldest": OLDEST, "base": BASE, "full": CURRENT}
    others = {"ubuntu": OF_THE_MIRROR, "mos-updates": UPDATES, "empty": ()}
    for name, recipes in {**releases, **others}.items():
        if system == "ubuntu":
            label = "Fuel" if name in releases else name
            make_apt_repo(root / name, recipes, suite=SUITE, label=label)
        else:
            make_yum_repo(root / name, recipes)
    build_diff(root / "oldest", root / "base", root / "diff-1")
    build_diff(root / "base", root / "full", root / "diff-2")


@pytest.fixture(scope="module")
def repos(tmp_path_factory: pytest.TempPathFactory) -> Repos:
    return Repos(tmp_path_factory.mktemp("repos"))


def described(fuel: str, system: str) -> Release:
    path = shared_dir() / f"data/openstack.yaml/{fuel}.yaml"
    releases = parse_fixture(path.read_text(encoding="utf-8"), source=path.name)
    return next(release for release in releases if release.os_key == system)


def listed(release: Release, bases: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the entries of a release with bases of these versions, in the list of Nailgun."""
    suite = f" {SUITE} main" if release.os_key == "ubuntu" else ""
    place = f"http://{{MASTER_IP}}:8080/{{version}}/{release.os_key}/x86_64{suite}"
    chain = tuple(RepoEntry(base, place.replace("{version}", base)) for base in bases)
    own = place.replace("{version}", "{OPENSTACK_VERSION}")
    data = orchestrator_data(release, own, OrchestratorData(chain, "", ""))
    return repo_list(DIALECTS["6.1"].body(release.fields, data)) or []


def nailgun_files(
    fuel: str, system: str, repos: Repos, chain: Sequence[str], bases: Sequence[str]
) -> dict[str, str]:
    """Return the files that Nailgun writes: of the repos in ``chain`` and the listed others."""
    release = described(fuel, system)
    own = "mos" if repo_list(release.fields) else release.version
    entries = listed(release, bases)
    at = next(n for n, entry in enumerate(entries) if entry["name"] == own)
    files: dict[str, str] = {}
    for number, entry in enumerate(entries):
        of_chain = at <= number < at + len(chain)
        folder = repos.folder(system, chain[number - at] if of_chain else entry["name"])
        files.update((deb_files if system == "ubuntu" else rpm_files)(entry, folder))
    return files


def deb_files(entry: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Return the list, and the preferences with the fields that apt matches in the Release."""
    name, priority = entry["name"], entry["priority"]
    line = f"deb [trusted=yes] file://{folder} {SUITE} main"
    fields = parse_release((folder / f"dists/{SUITE}/Release").read_text())
    pin = f"release a={SUITE},n={SUITE},o={fields['Origin']},l={fields['Label']},c=main"
    preferences = f"Package: *\nPin: {pin}\nPin-Priority: {priority}\n"
    return {
        f"etc/apt/sources.list.d/{name}.list": line,
        f"etc/apt/preferences.d/{name}.pref": preferences if priority is not None else "",
    }


def rpm_files(entry: Mapping[str, Any], folder: Path) -> dict[str, str]:
    name, priority = entry["name"], entry["priority"]
    section = f"[{name}]\nname=Plugin {name} repository\nbaseurl=file://{folder}\ngpgcheck=0\n"
    ranked = f"{section}priority={priority}\n" if priority is not None else section
    return {f"etc/yum.repos.d/{name}.repo": ranked}


def make_node(system: str, root: Path) -> AptNode | DnfNode:
    return AptNode(root) if system == "ubuntu" else DnfNode(root)


def installed(node: AptNode | DnfNode, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    node.install(names)
    return node.installed()


@pytest.mark.parametrize(
    ("system", "fuel", "bases"),
    [
        *(pytest.param("ubuntu", fuel, BASES, marks=needs_apt) for fuel in FUELS),
        pytest.param("ubuntu", "8.0", ("zed-4.1", "2013.1-4.0"), marks=needs_apt),
        *(pytest.param("centos", fuel, BASES, marks=needs_dnf) for fuel in ("6.0", "8.0")),
    ],
)
def test_a_chain_gives_the_packages_of_the_full_repo(
    repos: Repos, tmp_path: Path, system: str, fuel: str, bases: Sequence[str]
) -> None:
    alone, chained = (make_node(system, tmp_path / name) for name in ("alone", "chained"))
    alone.apply(nailgun_files(fuel, system, repos, ["full"], ()))
    chained.apply(nailgun_files(fuel, system, repos, repos.chain, bases))
    expected = {recipe.name: (recipe.version, recipe.content) for recipe in CURRENT}
    if repo_list(described(fuel, system).fields):
        expected["updated"] = ("1.1-1", "an update")
    assert installed(alone, NAMES) == expected
    assert installed(chained, NAMES) == expected


@both
def test_a_node_of_the_base_gets_no_second_file_of_a_repo(
    repos: Repos, tmp_path: Path, system: str
) -> None:
    """Nailgun deletes no file that it wrote for another release."""
    node = make_node(system, tmp_path)
    node.apply(nailgun_files("7.0", system, repos, repos.chain[1:], BASES[1:]))
    node.apply(nailgun_files("7.0", system, repos, repos.chain, BASES))
    expected = {recipe.name: (recipe.version, recipe.content) for recipe in CURRENT}
    assert installed(node, NAMES) == {**expected, "updated": ("1.1-1", "an update")}


@both
def test_a_removed_package_stays_visible_until_exact_sources_hide_it(
    repos: Repos, tmp_path: Path, system: str
) -> None:
    """Neither names nor priorities hide a package."""
    files = nailgun_files("8.0", system, repos, repos.chain, BASES)
    node = make_node(system, tmp_path / "node")
    node.apply(files)
    assert installed(node, ["removed"])["removed"] == ("1.0-1", "removed")
    exact = make_node(system, tmp_path / "exact")
    urls = [repos.folder(system, name).as_uri() for name in repos.chain]
    others = {path: disable_repos(path, text, urls) for path, text in files.items()}
    exact.apply({**others, **exact_files(system, repos)})
    with pytest.raises(OutsideError, match="removed"):
        exact.install(["removed"])
    expected = {recipe.name: (recipe.version, recipe.content) for recipe in CURRENT}
    assert installed(exact, NAMES) == {**expected, "updated": ("1.1-1", "an update")}


@needs_apt
def test_exact_sources_come_before_files_of_nailgun(repos: Repos, tmp_path: Path) -> None:
    """Earlier versions of fuel-upgrade named the base by its version."""
    node = AptNode(tmp_path)
    base = deb_files({"name": "2014.2.2-6.1", "priority": 1049}, repos.folder("ubuntu", "oldest"))
    node.apply({**base, **exact_files("ubuntu", repos)})
    expected = {recipe.name: (recipe.version, recipe.content) for recipe in CURRENT}
    assert installed(node, NAMES) == expected


def exact_files(system: str, repos: Repos) -> dict[str, str]:
    place = (SUITE, ("main",)) if system == "ubuntu" else (None, ())
    sources = (NodeSource(n, repos.folder(system, n).as_uri(), *place) for n in repos.chain)
    known = (fetch_identity(source, timeout_s=120) for source in sources)
    return render_exact(system, [fetch_content(source, timeout_s=120) for source in known])
