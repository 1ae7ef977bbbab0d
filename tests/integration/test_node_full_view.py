"""Nodes of the full view: one plain source, from and to the sources of the chain, and back."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from demo.nodes import AptNode, DnfNode
from demo.packages import Recipe, make_apt_repo, make_yum_repo
from demo.web import served
from fuel_upgrade.cli.client.daemon_client import Target
from fuel_upgrade.cli.commands import node as commands
from fuel_upgrade.errors import ConfigError, OutsideError
from fuel_upgrade.nodes.apply import NodeTarget, apply, render_sources, undo
from fuel_upgrade.nodes.chain_content import fetch_content
from fuel_upgrade.nodes.package_plan import Chain, Change
from fuel_upgrade.nodes.repo_identity import fetch_identity
from fuel_upgrade.nodes.sources import APT_LIST, APT_PREFERENCES, YUM_REPO, NodeSource
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.fullview.view import build_view
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.system.files import hash_file
from tests.integration.test_node_apply import make_node, manager_of
from tests.tools import needs

needs_apt = needs("apt-get", "apt-ftparchive", "dpkg-deb")
needs_dnf = needs("dnf", "rpm", "rpmbuild", "createrepo_c")
both = pytest.mark.parametrize(
    "kind", [pytest.param("apt", marks=needs_apt), pytest.param("yum", marks=needs_dnf)]
)
apt_only = pytest.mark.parametrize("kind", [pytest.param("apt", marks=needs_apt)])
BASE = (
    Recipe("keep", "1.0-1", "keep"),
    Recipe("rebuilt", "1.0-1", "content A"),
    Recipe("down", "2.0-1", "down 2.0"),
    Recipe("gone", "1.0-1", "gone"),
)
CURRENT = (
    Recipe("keep", "1.0-1", "keep"),
    Recipe("rebuilt", "1.0-1", "content B"),
    Recipe("down", "1.5-1", "down 1.5"),
    Recipe("new", "1.0-1", "new"),
)
OS = {"apt": "ubuntu", "yum": "centos"}


@dataclass(frozen=True)
class Place:
    """Repos ``base``, ``current``, ``diff`` and ``view`` of each kind, over http as well."""

    root: Path
    address: str

    def url(self, kind: str, repo: str) -> str:
        return f"{self.address}/{kind}/{repo}"

    def argument(self, kind: str, repo: str) -> str:
        return self.url(kind, repo) + (" precise main" if kind == "apt" else "")

    def expected(self, kind: str, given: Sequence[str], replaced: Sequence[str] = ()) -> NodeTarget:
        suite, components = ("precise", ("main",)) if kind == "apt" else (None, ())
        requested = (
            NodeSource(r, self.url(kind, r), suite, components) for r in (*given, *replaced)
        )
        known = [fetch_identity(source, timeout_s=120) for source in requested]
        contents = [fetch_content(source, timeout_s=120) for source in known]
        files = render_sources(contents[: len(given)], RepoKind(kind))
        return NodeTarget(Chain(contents, RepoKind(kind)), files, remove=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("repos")
    with served(root) as address:
        yield Place(root, address)


@pytest.fixture(autouse=True)
def repos(place: Place, request: pytest.FixtureRequest) -> None:
    kind = request.node.callspec.params["kind"]
    make = make_apt_repo if kind == "apt" else make_yum_repo
    folder = place.root / kind
    if not folder.exists():
        for name, recipes in (("base", BASE), ("current", CURRENT)):
            make(folder / name, recipes)
        build_diff(folder / "base", folder / "current", folder / "diff")
        build_view([folder / "diff", folder / "base"], folder / "view")


def run(*words: str) -> Any:
    target = Target(None, None, Path("/nowhere"))
    argv = [*words, "--json"]
    result = CliRunner().invoke(commands, argv, obj=target, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return json.loads(result.stdout)


def sources(kind: str, out: Path, *words: str) -> dict[str, str]:
    """Run ``node sources`` and return its output."""
    run("sources", "--os", OS[kind], "-o", str(out), *words)
    return {str(p.relative_to(out)): p.read_text() for p in out.rglob("*") if p.is_file()}


def candidates(
    place: Place, kind: str, files: dict[str, str], root: Path
) -> dict[str, tuple[str, str]]:
    """Return of every name the file's name and checksum that a node with these sources gets."""
    node = make_node(kind, root)
    node.apply(files)
    actual = {}
    for name in sorted({r.name for r in (*BASE, *CURRENT)}):
        try:
            path = node.download(name, root / "got" / name)
        except OutsideError:
            continue  # apt and dnf have words of their own for a name that nobody offers
        actual[name] = (path.name, hash_file(path))
    return actual


def etc(node: AptNode | DnfNode) -> dict[Path, str]:
    return {p: p.read_text() for p in (node.root / "etc").rglob("*") if p.is_file()}


@both
def test_the_one_source_gives_every_name_as_the_current_repo_does(
    place: Place, tmp_path: Path, kind: str
) -> None:
    files = sources(kind, tmp_path / "tree", "--full-view", place.argument(kind, "view"))
    assert not any("Pin" in text or "exclude" in text for text in files.values())
    assert sum(text.count(place.address) for text in files.values()) == 1
    alone = sources(kind, tmp_path / "alone", "--repos", place.argument(kind, "current"))
    got = candidates(place, kind, files, tmp_path / "node")
    assert got.keys() == {recipe.name for recipe in CURRENT}
    assert got == candidates(place, kind, alone, tmp_path / "alone-node")


@both
def test_a_folder_says_its_own_suite_and_components(
    place: Place, tmp_path: Path, kind: str
) -> None:
    view = place.root / kind / "view"
    files = sources(kind, tmp_path / "tree", "--full-view", str(view))
    place_of = f"file://{view} precise main" if kind == "apt" else f"baseurl=file://{view}\n"
    assert place_of in files[APT_LIST if kind == "apt" else YUM_REPO]


@apt_only
def test_a_url_takes_suite_and_components_of_the_release(
    place: Place, tmp_path: Path, kind: str
) -> None:
    listed = ",".join(place.argument(kind, repo) for repo in ("diff", "base"))
    url = place.url(kind, "view")
    files = sources(kind, tmp_path / "tree", "--repos", listed, "--full-view", url)
    assert f"deb [trusted=yes] {url} precise main\n" in files[APT_LIST]
    assert "base" not in files[APT_LIST]
    with pytest.raises(ConfigError, match="is not of the form"):
        run("sources", "--os", "ubuntu", "-o", str(tmp_path / "none"), "--full-view", url)


@apt_only
def test_as_deb822_it_is_one_paragraph(place: Place, tmp_path: Path, kind: str) -> None:
    view = ("--full-view", place.argument(kind, "view"))
    files = sources(kind, tmp_path / "tree", *view, "--format", "deb822")
    (paragraph,) = [text for path, text in files.items() if path.endswith(".sources")]
    assert paragraph.count("URIs:") == 1
    node = make_node(kind, tmp_path / "node")
    node.apply(files)
    node.install(["rebuilt", "down"])
    assert node.installed() == {"rebuilt": ("1.0-1", "content B"), "down": ("1.5-1", "down 1.5")}


@both
def test_a_diff_repo_is_no_full_view(place: Place, tmp_path: Path, kind: str) -> None:
    view = ("--full-view", place.argument(kind, "diff"))
    refused = pytest.raises(ConfigError, match="is a diff repo that inherits 1 packages")
    with refused as caught:
        run("sources", "--os", OS[kind], "-o", str(tmp_path / "tree"), *view)
    assert "repo view" in caught.value.remedy
    assert not (tmp_path / "tree").exists()
    with refused:
        run("plan", "--os", OS[kind], "--root", str(tmp_path), *view)


@both
def test_a_node_goes_from_the_chain_to_the_view_and_back(
    place: Place, tmp_path: Path, kind: str
) -> None:
    node = make_node(kind, tmp_path / "node")
    manager = manager_of(kind, node.root)
    chain = place.expected(kind, ["diff", "base"])
    node.apply(dict(place.expected(kind, ["base"]).files))
    node.install(["keep", "rebuilt"])
    apply(manager, chain)
    before, installed = etc(node), node.installed()
    view = place.expected(kind, ["view"])
    assert apply(manager, view).files
    assert sum(text.count(place.address) for text in etc(node).values()) == 1
    assert not apply(manager, view).is_needed
    assert node.installed() == installed
    undo(manager)
    assert etc(node) == before
    apply(manager, view)
    apply(manager, chain)
    assert etc(node) == before


@both
def test_a_node_of_the_base_becomes_one_of_the_view(
    place: Place, tmp_path: Path, kind: str
) -> None:
    """The chain behind the view shows downgraded and removed packages."""
    node = make_node(kind, tmp_path / "node")
    node.apply(dict(place.expected(kind, ["base"]).files))
    node.install([r.name for r in BASE])
    left = {"apt": "etc/apt/sources.list", "yum": "etc/yum.repos.d/nailgun.repo"}[kind]
    (node.root / left).write_text(
        {
            "apt": f"deb [trusted=yes] {place.url(kind, 'base')} precise main\n",
            "yum": f"[nailgun]\nname=n\nbaseurl={place.url(kind, 'base')}\n",
        }[kind]
    )
    manager = manager_of(kind, node.root)
    alone = place.expected(kind, ["view"])
    target = place.expected(kind, ["view"], ["diff", "base"])
    assert target.files == alone.files
    done = apply(manager, target)
    assert left in done.files
    assert [i.installed.name for i in done.plan.of(Change.DOWNGRADE)] == ["down"]
    expected = {r.name: (r.version, r.content) for r in CURRENT if r.name != "new"}
    assert node.installed() == expected
    assert not apply(manager, target).is_needed


@apt_only
def test_files_of_another_form_go_and_come_back(
    place: Place, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = make_node(kind, tmp_path / "node")
    monkeypatch.setenv("APT_CONFIG", f"{node.root}/etc/apt/node.conf")
    node.apply({})
    listed = ",".join(place.argument(kind, repo) for repo in ("diff", "base"))
    at = ("--os", "ubuntu", "--root", str(node.root))
    message = run("apply", *at, "--repos", listed, "--format", "deb822", "--sources-only")
    assert message["state"] == "changed"
    before = etc(node)
    paragraphs = node.root / "etc/apt/sources.list.d/00-fuel-upgrade.sources"
    assert paragraphs in before
    view = ("--full-view", place.argument(kind, "view"))
    assert run("plan", *at, *view)["counts"]["upgrade"] == 0
    assert run("apply", *at, *view, "--sources-only")["state"] == "changed"
    assert run("apply", *at, *view, "--sources-only")["state"] == "unchanged"
    assert not paragraphs.exists()
    assert "Pin:" not in (node.root / APT_PREFERENCES).read_text()
    with pytest.raises(ConfigError, match=r"--undo takes no .*--full-view"):
        run("apply", *at, *view, "--undo")
    assert run("apply", *at, "--undo") == {"format": 1, "undone": True}
    assert etc(node) == before
