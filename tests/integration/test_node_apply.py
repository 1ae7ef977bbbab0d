"""A node moved from the base to base and diff equals a node of the full release."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from demo.nodes import AptNode, DnfNode
from demo.packages import Recipe, build_deb, make_apt_repo, make_yum_repo
from demo.web import served
from fuel_upgrade.cli.main import main
from fuel_upgrade.errors import OutsideError, PreflightError
from fuel_upgrade.nodes.apply import NodeTarget, apply, preview, read_plan, render_sources, undo
from fuel_upgrade.nodes.chain_content import fetch_content
from fuel_upgrade.nodes.node_state import NodeState, SavedFile
from fuel_upgrade.nodes.package_manager import AptManager, DnfManager, Manager
from fuel_upgrade.nodes.package_plan import Chain, Change
from fuel_upgrade.nodes.repo_identity import fetch_identity
from fuel_upgrade.nodes.sources import NodeSource
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.package import RepoKind
from tests.tools import needs

needs_apt = needs("apt-get", "apt-ftparchive", "dpkg-deb")
needs_dnf = needs("dnf", "rpm", "rpmbuild", "createrepo_c")
both = pytest.mark.parametrize(
    "kind", [pytest.param("apt", marks=needs_apt), pytest.param("yum", marks=needs_dnf)]
)
LARGER = "x" * 30_000  # beyond the blocks that tar fills up
BASE = (
    Recipe("keep", "1.0-1", "keep"),
    Recipe("up", "1.0-1", "up 1.0"),
    Recipe("rebuilt", "1.0-1", "content A"),
    Recipe("resized", "1.0-1", "content A"),
    Recipe("redep", "1.0-1", "content A"),
    Recipe("native", "1:1.0-1", "content A", architecture="x86_64"),
    Recipe("down", "1:2.0-1", "down 2.0"),
    Recipe("gone", "1.0-1", "gone"),
)
CURRENT = (
    Recipe("keep", "1.0-1", "keep"),
    Recipe("up", "1.1-1", "up 1.1", depends=("new",)),
    Recipe("rebuilt", "1.0-1", "content B"),
    Recipe("resized", "1.0-1", LARGER),
    Recipe("redep", "1.0-1", "content B", depends=("fresh",)),
    Recipe("native", "1:1.0-1", "content B", architecture="x86_64"),
    Recipe("down", "1:1.5-1", "down 1.5"),
    Recipe("new", "1.0-1", "new"),
    Recipe("fresh", "2.0-1", "fresh"),
)
FOREIGN = Recipe("foreign", "1.0-1", "of the operator")
NAMES = [recipe.name for recipe in BASE]
PLANNED = {
    "keep": "unchanged",
    "up": "upgrade",
    "rebuilt": "reinstall",
    "resized": "reinstall",
    "redep": "reinstall",
    "native": "reinstall",
    "down": "downgrade",
    "gone": "removed",
    "foreign": "foreign",
}


@dataclass(frozen=True)
class Place:
    """Repos ``base``, ``current``, ``diff`` and ``other`` of each kind, on a disk and over http."""

    root: Path
    address: str

    def source(self, kind: str, repo: str, *, scheme: str = "http") -> NodeSource:
        address = self.address if scheme == "http" else f"file://{self.root}"
        suite, components = ("precise", ("main",)) if kind == "apt" else (None, ())
        requested = NodeSource(repo, f"{address}/{kind}/{repo}", suite, components)
        return fetch_identity(requested, timeout_s=120)

    def chain(self, kind: str, *repos: str, scheme: str = "http") -> Chain:
        sources = [self.source(kind, repo, scheme=scheme) for repo in repos]
        contents = [fetch_content(source, timeout_s=120) for source in sources]
        return Chain(contents, RepoKind(kind))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("repos")
    with served(root) as address:
        yield Place(root, address)


@pytest.fixture(autouse=True)
def repos(place: Place, request: pytest.FixtureRequest) -> None:
    kind = request.node.callspec.params["kind"]
    make = make_apt_repo if kind == "apt" else make_yum_repo
    if not (place.root / kind).exists():
        for name, recipes in (("base", BASE), ("current", CURRENT), ("other", (FOREIGN,))):
            make(place.root / kind / name, recipes)
        build_diff(*(place.root / kind / name for name in ("base", "current", "diff")))


def make_node(kind: str, root: Path) -> AptNode | DnfNode:
    return AptNode(root) if kind == "apt" else DnfNode(root)


def manager_of(kind: str, root: Path) -> Manager:
    """The node has no programs: the host's work on it, as root or as if."""
    prefix = () if os.geteuid() == 0 else ("unshare", "--map-root-user", "--")
    if kind == "apt":
        return AptManager(root, prefix=prefix, env={"APT_CONFIG": f"{root}/etc/apt/node.conf"})
    actual = DnfManager.at(root)
    options = ("--config", f"{root}/etc/dnf.conf", *actual.options)
    more = ("--releasever", "6", "--forcearch", "x86_64")
    return replace(actual, prefix=prefix, options=(*options, *more))


def target_of(chain: Chain, *, sources_only: bool = False, remove: bool = False) -> NodeTarget:
    files = render_sources(chain.contents, chain.kind)
    return NodeTarget(chain, files, sources_only=sources_only, remove=remove)


def node_of_base(place: Place, kind: str, root: Path) -> AptNode | DnfNode:
    """Give a node with all of the base, and a package that the operator has from elsewhere."""
    first = place.root / f"node-{kind}"
    if not first.exists():
        node = make_node(kind, first)
        for repo, names in (("other", ["foreign"]), ("base", NAMES)):
            node.apply(render_sources(place.chain(kind, repo).contents, RepoKind(kind)))
            node.install(names)
    shutil.copytree(first, root, symlinks=True)
    return make_node(kind, root)


def node_of_current(place: Place, kind: str, root: Path) -> dict[str, tuple[str, str]]:
    node = make_node(kind, root)
    node.apply(render_sources(place.chain(kind, "current").contents, RepoKind(kind)))
    node.install([recipe.name for recipe in CURRENT])
    return node.installed()


def tree(root: Path) -> dict[str, str]:
    files = (p for p in (root / "usr").rglob("*") if p.is_file())
    return {str(p.relative_to(root)): p.read_text() for p in files}


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        pytest.param("apt", "http", marks=needs_apt),
        pytest.param("apt", "file", marks=needs_apt),
        pytest.param("yum", "http", marks=needs_dnf),
    ],
)
def test_a_node_of_the_base_becomes_one_of_the_release(
    place: Place, tmp_path: Path, kind: str, scheme: str
) -> None:
    node = node_of_base(place, kind, tmp_path / "node")
    manager = manager_of(kind, node.root)
    target = target_of(place.chain(kind, "diff", "base", scheme=scheme), remove=True)
    plan = read_plan(manager, target.chain)
    assert {i.installed.name: i.change.value for i in plan.items} == PLANNED
    assert apply(manager, target).is_needed
    expected = node_of_current(place, kind, tmp_path / "current")
    foreign = {"foreign": (FOREIGN.version, FOREIGN.content)}
    assert node.installed() == {**expected, **foreign}
    mine = {p: t for p, t in tree(node.root).items() if "/foreign/" not in p}
    assert mine == tree(tmp_path / "current")


@both
def test_a_second_run_changes_nothing(place: Place, tmp_path: Path, kind: str) -> None:
    node = node_of_base(place, kind, tmp_path / "node")
    manager, target = manager_of(kind, node.root), target_of(place.chain(kind, "diff", "base"))
    apply(manager, target)
    before = {p: p.stat().st_mtime_ns for p in node.root.rglob("*") if p.name != "lock"}
    again = apply(manager, target)
    assert not again.is_needed
    assert again.plan.counts()["reinstall"] == 0
    assert again.plan.counts()["removed"] == 1, "kept and reported, because --remove was not given"
    after = {p: p.stat().st_mtime_ns for p in node.root.rglob("*") if p.name != "lock"}
    assert {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)} <= {
        p for p in after if "cache" in p.parts or "rpm" in p.name or p.parent.name == "rpm"
    }


@both
def test_undo_restores_the_sources_and_keeps_the_packages(
    place: Place, tmp_path: Path, kind: str
) -> None:
    node = node_of_base(place, kind, tmp_path / "node")
    before = {p: p.read_text() for p in (node.root / "etc").rglob("*") if p.is_file()}
    manager = manager_of(kind, node.root)
    apply(manager, target_of(place.chain(kind, "diff", "base")))
    installed = node.installed()
    undo(manager)
    assert {p: p.read_text() for p in (node.root / "etc").rglob("*") if p.is_file()} == before
    assert node.installed() == installed
    with pytest.raises(PreflightError, match="no sources of an earlier run"):
        undo(manager)


@both
def test_unreadable_sources_are_restored(place: Place, tmp_path: Path, kind: str) -> None:
    node = node_of_base(place, kind, tmp_path / "node")
    before = {p: p.read_text() for p in (node.root / "etc").rglob("*") if p.is_file()}
    installed = node.installed()
    manager, target = manager_of(kind, node.root), target_of(place.chain(kind, "diff", "base"))
    broken = {p: t.replace(f"{kind}/diff", f"{kind}/nowhere") for p, t in target.files.items()}
    with pytest.raises(OutsideError) as caught:
        apply(manager, replace(target, files=broken))
    assert caught.value.state == "the sources are as they were; packages were not changed"
    assert "reachable" in caught.value.remedy
    assert {p: p.read_text() for p in (node.root / "etc").rglob("*") if p.is_file()} == before
    assert node.installed() == installed


@both
def test_an_interrupted_run_is_restored_first(place: Place, tmp_path: Path, kind: str) -> None:
    node = node_of_base(place, kind, tmp_path / "node")
    before = {p: p.read_text() for p in (node.root / "etc").rglob("*") if p.is_file()}
    manager = manager_of(kind, node.root)
    target = target_of(place.chain(kind, "diff", "base"), sources_only=True)
    path = next(iter(target.files))
    NodeState(node.root).begin([SavedFile.read(node.root, path)])
    (node.root / path).write_text("half of a run\n")
    apply(manager, target)
    undo(manager)
    assert {p: p.read_text() for p in (node.root / "etc").rglob("*") if p.is_file()} == before


@both
def test_sources_only_leaves_the_packages(place: Place, tmp_path: Path, kind: str) -> None:
    node = node_of_base(place, kind, tmp_path / "node")
    installed = node.installed()
    manager = manager_of(kind, node.root)
    target = target_of(place.chain(kind, "diff", "base"), sources_only=True)
    assert preview(manager, target).files, "a preview names the files"
    assert apply(manager, target).files
    assert node.installed() == installed
    assert not apply(manager, target).is_needed


@both
def test_the_base_is_disabled_in_other_files(place: Place, tmp_path: Path, kind: str) -> None:
    node = node_of_base(place, kind, tmp_path / "node")
    left = {"apt": "etc/apt/sources.list", "yum": "etc/yum.repos.d/nailgun.repo"}[kind]
    url = place.source(kind, "base").url
    text = {
        "apt": f"deb [trusted=yes] {url}/ precise main\n",
        "yum": f"[nailgun]\nname=n\nbaseurl={url}/\ngpgcheck=0\n",
    }[kind]
    (node.root / left).write_text(text)
    manager = manager_of(kind, node.root)
    done = apply(manager, target_of(place.chain(kind, "diff", "base")))
    assert left in done.files
    assert node.installed()["rebuilt"] == ("1.0-1", "content B")
    undo(manager)
    assert (node.root / left).read_text() == text


@needs_apt
@pytest.mark.parametrize("kind", ["apt"])
def test_a_cached_copy_of_the_base_is_not_installed_again(
    place: Place, tmp_path: Path, kind: str
) -> None:
    """apt compares a cached file with the index by its size alone."""
    node = node_of_base(place, kind, tmp_path / "node")
    build_deb(BASE[2], node.root / "var/cache/apt/archives")
    apply(manager_of(kind, node.root), target_of(place.chain(kind, "diff", "base")))
    assert node.installed()["rebuilt"] == ("1.0-1", "content B")


@needs_apt
@pytest.mark.parametrize("kind", ["apt"])
def test_a_base_under_another_address_is_refused(place: Place, tmp_path: Path, kind: str) -> None:
    """Differences that the sources do not show appear in the downloads of apt."""
    node = node_of_base(place, kind, tmp_path / "node")
    other = f"deb [trusted=yes] file:{place.root}/apt/base precise main\n"
    (node.root / "etc/apt/sources.list").write_text(other)
    installed = node.installed()
    with pytest.raises(
        OutsideError, match=r"from outside the release: .*rebuilt 1\.0-1 from file:"
    ):
        apply(manager_of(kind, node.root), target_of(place.chain(kind, "diff", "base")))
    assert node.installed() == installed
    assert (node.root / "etc/apt/sources.list").read_text() == other


@needs_apt
@pytest.mark.parametrize("kind", ["apt"])
def test_a_copy_that_was_restored_by_hand_is_detected(
    place: Place, tmp_path: Path, kind: str
) -> None:
    node = node_of_base(place, kind, tmp_path / "node")
    manager, chain = manager_of(kind, node.root), place.chain(kind, "diff", "base")
    apply(manager, target_of(chain))
    assert not read_plan(manager, chain).counts()["reinstall"]
    deb = build_deb(BASE[2], tmp_path)
    node._run("dpkg", f"--root={node.root}", "--install", str(deb))
    assert read_plan(manager, chain).counts()["reinstall"] == 1
    apply(manager, target_of(chain))
    assert node.installed()["rebuilt"] == ("1.0-1", "content B")


@needs_apt
@pytest.mark.parametrize("kind", ["apt"])
def test_packages_with_unmet_dependencies_are_kept_back(
    place: Place, tmp_path: Path, kind: str
) -> None:
    node = node_of_base(place, kind, tmp_path / "node")
    broken = Recipe("up", "1.2-1", "up 1.2", depends=("nowhere",))
    repo = place.root / kind / "broken"
    make_apt_repo(repo, [broken, *(r for r in CURRENT if r.name != "up")], label="broken")
    manager, chain = manager_of(kind, node.root), place.chain(kind, "broken", "base")
    done = apply(manager, target_of(chain))
    assert [i.installed.name for i in done.plan.of(Change.KEPT_BACK)] == ["up"]
    assert node.installed()["up"] == ("1.0-1", "up 1.0")
    assert node.installed()["down"] == ("1:1.5-1", "down 1.5")
    assert not apply(manager, target_of(chain)).is_needed


@needs_apt
@pytest.mark.parametrize("kind", ["apt"])
def test_the_commands_report_their_results(
    place: Place, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = node_of_base(place, kind, tmp_path / "node")
    monkeypatch.setenv("APT_CONFIG", f"{node.root}/etc/apt/node.conf")
    urls = (place.source(kind, repo).url for repo in ("diff", "base"))
    repos = ["--repos", ",".join(f"{url} precise main" for url in urls)]

    def run(*words: str) -> Any:
        argv = ["node", *words, "--os", "ubuntu", "--root", str(node.root), "--json"]
        result = CliRunner().invoke(main, argv)
        return json.loads(result.stdout)

    planned = {row["name"]: row["change"] for row in run("plan", *repos, "--all")["packages"]}
    assert planned == PLANNED
    assert run("apply", *repos, "--dry-run")["state"] == "dry-run"
    assert run("apply", *repos, "--sources-only")["state"] == "changed"
    assert run("apply", *repos, "--sources-only")["state"] == "unchanged"
    assert run("apply", "--undo") == {"format": 1, "undone": True}


@needs_dnf
@pytest.mark.parametrize("kind", ["yum"])
def test_a_fresh_node_of_the_release_has_nothing_to_reinstall(
    place: Place, tmp_path: Path, kind: str
) -> None:
    """rpm keeps a checksum of each installed package: no other record is needed."""
    node_of_current(place, kind, tmp_path / "node")
    plan = read_plan(manager_of(kind, tmp_path / "node"), place.chain(kind, "diff", "base"))
    assert {change for change, count in plan.counts().items() if count} == {"unchanged"}
