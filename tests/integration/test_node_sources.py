"""The real apt and dnf install with node sources as from the full repo."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.nodes import AptNode, DnfNode
from demo.packages import Recipe, make_apt_repo, make_yum_repo
from demo.web import served
from fuel_upgrade.errors import OutsideError
from fuel_upgrade.nodes.repo_identity import fetch_identity
from fuel_upgrade.nodes.sources import (
    APT_LIST,
    NodeSource,
    render_apt,
    render_astute,
    render_yum,
)
from fuel_upgrade.nodes.write_sources import write_tree
from fuel_upgrade.release.dialect import DIALECTS
from fuel_upgrade.release.map_order import order_of
from fuel_upgrade.release.model import OrchestratorData, RepoEntry
from fuel_upgrade.system import process
from fuel_upgrade.system.files import hash_file
from tests.tools import needs

needs_apt = needs("apt-get", "apt-ftparchive", "dpkg-deb")
needs_dnf = needs("dnf", "rpm", "rpmbuild", "createrepo_c")
both = pytest.mark.parametrize(
    "kind", [pytest.param("apt", marks=needs_apt), pytest.param("yum", marks=needs_dnf)]
)
both_schemes = pytest.mark.parametrize("scheme", ["http", "file"])

LARGER = "x" * 30_000  # beyond the blocks that tar fills up
BASE = (
    Recipe("same", "1.0-1", "same"),
    Recipe("up", "1.0-1", "up 1.0"),
    Recipe("rebuilt", "1.0-1", "content A"),
    Recipe("resized", "1.0-1", "content A"),
    Recipe("down", "2.0-1", "down 2.0"),
    Recipe("gone", "1.0-1", "gone"),
    Recipe("midway", "1.0-1", "midway 1.0"),
)
CURRENT = (
    Recipe("same", "1.0-1", "same"),
    Recipe("up", "1.1-1", "up 1.1", depends=("new",)),
    Recipe("rebuilt", "1.0-1", "content B"),
    Recipe("resized", "1.0-1", LARGER),
    Recipe("down", "1.5-1", "down 1.5"),
    Recipe("new", "1.0-1", "new"),
    Recipe("midway", "2.0-1", "midway 2.0"),
)
NEXT = (
    Recipe("same", "1.0-1", "same"),
    Recipe("up", "1.1-1", "up 1.1", depends=("new",)),
    Recipe("rebuilt", "1.0-1", "content C"),
    Recipe("resized", "1.0-1", LARGER),
    Recipe("down", "1.5-1", "down 1.5"),
    Recipe("new", "1.0-1", "NEW"),
    Recipe("midway", "1.5-1", "midway 1.5"),
    Recipe("newest", "1:0.1-1", "newest"),
)


@dataclass(frozen=True)
class Place:
    """Repos on a disk, served over http as well: ``full-N`` and ``diff-N`` of each release."""

    root: Path
    address: str

    def url(self, scheme: str, repo: str) -> str:
        base = self.address if scheme == "http" else f"file://{self.root}"
        return f"{base}/{repo}"

    def checksum(self, repo: str, name: str) -> str:
        (path,) = (p for p in (self.root / repo).rglob(f"{name}[-_][0-9]*") if p.suffix != ".gz")
        return hash_file(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("repos")
    with served(root) as address:
        yield Place(root, address)


def make_repos(root: Path, kind: str) -> None:
    """Make each release in full, and each but the first as a diff of the one before."""
    if (root / kind).exists():
        return
    releases = (BASE, CURRENT, NEXT)
    for number, recipes in enumerate(releases):
        before = releases[number - 1] if number else ()
        changed = tuple(recipe for recipe in recipes if recipe not in before)
        for name, chosen in ((f"full-{number}", recipes), (f"diff-{number}", changed)):
            if kind == "apt":
                make_apt_repo(root / kind / name, chosen, label=f"fuel-{name}")
            else:
                make_yum_repo(root / kind / name, chosen)


def chain(place: Place, kind: str, scheme: str, repos: Sequence[str]) -> list[NodeSource]:
    make_repos(place.root, kind)
    suite, components = ("precise", ("main",)) if kind == "apt" else (None, ())
    requested = (
        NodeSource(repo, place.url(scheme, f"{kind}/{repo}"), suite, components) for repo in repos
    )
    return [fetch_identity(source, timeout_s=120) for source in requested]


def make_node(kind: str, root: Path) -> AptNode | DnfNode:
    return AptNode(root) if kind == "apt" else DnfNode(root)


def render(kind: str, sources: Sequence[NodeSource]) -> dict[str, str]:
    return render_apt(sources) if kind == "apt" else render_yum(sources)


def expected(recipes: Sequence[Recipe]) -> dict[str, tuple[str, str]]:
    return {recipe.name: (recipe.version, recipe.content) for recipe in recipes}


def downloaded(node: AptNode | DnfNode, recipes: Sequence[Recipe], into: Path) -> dict[str, str]:
    return {r.name: hash_file(node.download(r.name, into / r.name)) for r in recipes}


@both
@both_schemes
def test_every_package_is_the_one_of_the_full_repo(
    place: Place, tmp_path: Path, kind: str, scheme: str
) -> None:
    sources = chain(place, kind, scheme, ["diff-1", "full-0"])
    node = make_node(kind, tmp_path / "node")
    node.apply(render(kind, sources))
    checksums = {r.name: place.checksum(f"{kind}/full-1", r.name) for r in CURRENT}
    assert downloaded(node, CURRENT, tmp_path / "got") == checksums
    node.install([recipe.name for recipe in CURRENT])
    assert node.installed() == expected(CURRENT)


@both
def test_a_chain_of_three_gives_the_newest_release(place: Place, tmp_path: Path, kind: str) -> None:
    sources = chain(place, kind, "file", ["diff-2", "diff-1", "full-0"])
    node = make_node(kind, tmp_path / "node")
    node.apply(render(kind, sources))
    checksums = {r.name: place.checksum(f"{kind}/full-2", r.name) for r in NEXT}
    assert downloaded(node, NEXT, tmp_path / "got") == checksums
    node.install([recipe.name for recipe in NEXT])
    assert node.installed() == expected(NEXT)


@both
def test_origin_identifies_the_repo_of_a_package(place: Place, tmp_path: Path, kind: str) -> None:
    sources = chain(place, kind, "http", ["diff-2", "diff-1", "full-0"])
    node = make_node(kind, tmp_path / "node")
    node.apply(render(kind, sources))
    names = ("rebuilt", "midway", "down", "resized", "same")
    assert {name: node.origin(name) for name in names} == {
        "rebuilt": sources[0].url,
        "midway": sources[0].url,
        "down": sources[1].url,
        "resized": sources[1].url,
        "same": sources[2].url,
    }


@both
def test_a_single_full_repo_needs_no_priority(place: Place, tmp_path: Path, kind: str) -> None:
    node = make_node(kind, tmp_path / "node")
    node.apply(render(kind, chain(place, kind, "file", ["full-1"])))
    node.install([recipe.name for recipe in CURRENT])
    assert node.installed() == expected(CURRENT)


@both
def test_a_node_of_the_base_goes_down_where_the_release_does(
    place: Place, tmp_path: Path, kind: str
) -> None:
    node = make_node(kind, tmp_path / "node")
    node.apply(render(kind, chain(place, kind, "file", ["full-0"])))
    node.install(["same", "up", "down", "midway"])
    node.apply(render(kind, chain(place, kind, "file", ["diff-1", "full-0"])))
    node.upgrade()
    versions = {name: version for name, (version, _) in node.installed().items()}
    assert versions == {
        "same": "1.0-1",
        "up": "1.1-1",
        "new": "1.0-1",
        "down": "1.5-1",
        "midway": "2.0-1",
    }


@both
def test_sources_of_the_original_give_packages_of_the_base(
    place: Place, tmp_path: Path, kind: str
) -> None:
    """Why order, pins and priorities are part of the product: base first and unranked is wrong."""
    sources = chain(place, kind, "file", ["full-0", "diff-1"])
    repos = [source.entry for source in sources]
    files = render_astute("ubuntu" if kind == "apt" else "centos", repos)
    node = make_node(kind, tmp_path / "node")
    node.apply(trusting(files))
    node.install(["rebuilt", "down", "up"])
    got = node.installed()
    assert got["rebuilt"] == ("1.0-1", "content A")
    assert got["down"] == ("2.0-1", "down 2.0")
    assert got["up"] == ("1.1-1", "up 1.1")


@needs_apt
@pytest.mark.parametrize(
    "versions",
    [
        ("2014.2-6.0", "2014.1.1-5.1"),
        ("2014.2-6.0", "nailgun"),
        ("2014.2.2-6.1", "2014.2-6.0", "2014.1.1-5.1"),
        ("2014.2.2-6.1", "2014.2-6.0", "nailgun"),
    ],
    ids="+".join,
)
def test_a_node_of_astute_takes_the_own_copy_of_a_rebuilt_package(
    place: Place, tmp_path: Path, versions: Sequence[str]
) -> None:
    """Astute writes the map as Nailgun 6.0 returns it: in the order of its hash table."""
    repos = ("diff-2", "diff-1", "full-0") if len(versions) == 3 else ("diff-1", "full-0")
    sources = chain(place, "apt", "file", repos)
    entries = tuple(
        RepoEntry(version, source.entry.location)
        for version, source in zip(versions, sources, strict=True)
    )
    fields = {"version": versions[0], "operating_system": "Ubuntu"}
    body = DIALECTS["6.0"].repo_fields(fields, OrchestratorData(entries, "m", "n"))
    posted = body["orchestrator_data"]["repo_metadata"]
    keys = list(posted)
    for _ in range(4):  # copies that Nailgun 6.0 makes between a request and its answer
        keys = order_of(keys)
    files = render_astute("ubuntu", [RepoEntry(key, posted[key]) for key in keys])
    node = AptNode(tmp_path / "node")
    node.apply(trusting(files))
    names = ["rebuilt", "up", "new", "same"]
    node.install(names)
    contents = expected(NEXT if len(versions) == 3 else CURRENT)
    assert node.installed() == {name: contents[name] for name in names}


def trusting(files: Mapping[str, str]) -> dict[str, str]:
    """Today's apt refuses the unsigned repos that apt of 2014 took with a warning."""
    return {path: text.replace("deb ", "deb [trusted=yes] ") for path, text in files.items()}


def copy_taken() -> str:
    """Return the copy that apt takes of two of one version: of the first line in apt 2.6.

    With apt 3.0 the pin of the second line helps.
    """
    version = process.run(["apt-get", "--version"], timeout_s=60).split()[1]
    return "content B" if int(version.partition(".")[0]) >= 3 else "content A"


@needs_apt
def test_order_of_lines_decides_between_copies_of_one_version(place: Place, tmp_path: Path) -> None:
    files = render_apt(chain(place, "apt", "file", ["diff-1", "full-0"]))
    head, newer, older = files[APT_LIST].splitlines()
    node = AptNode(tmp_path / "node")
    node.apply({**files, APT_LIST: "\n".join([head, older, newer, ""])})
    node.install(["rebuilt", "down"])
    assert node.installed()["rebuilt"] == ("1.0-1", copy_taken())
    assert node.installed()["down"] == ("1.5-1", "down 1.5"), "the pin helps"


@needs_apt
def test_a_base_left_in_sources_list_breaks_the_order(place: Place, tmp_path: Path) -> None:
    """apt reads sources.list before sources.list.d: the chain's author must empty it."""
    newer, older = chain(place, "apt", "file", ["diff-1", "full-0"])
    left_by_astute = trusting(render_astute("ubuntu", [older.entry]))
    node = AptNode(tmp_path / "node")
    node.apply({**render_apt([newer, older]), **left_by_astute})
    node.install(["rebuilt", "down"])
    assert node.installed()["rebuilt"] == ("1.0-1", copy_taken())
    assert node.installed()["down"] == ("1.5-1", "down 1.5")


@needs_apt
def test_apt_reads_the_pins_as_they_are_meant(place: Place, tmp_path: Path) -> None:
    node = AptNode(tmp_path / "node")
    node.apply(render_apt(chain(place, "apt", "file", ["diff-2", "diff-1", "full-0"])))
    table = node.policy("midway")
    ranks = {row[0]: row[1] for row in map(str.split, table.splitlines()) if row[-1].isdigit()}
    assert ranks == {"1.5-1": "1002", "2.0-1": "1001", "1.0-1": "500"}


@both
@both_schemes
def test_a_missing_repo_is_an_error(place: Place, kind: str, scheme: str) -> None:
    with pytest.raises(OutsideError, match=r"no repo at .*nowhere") as caught:
        chain(place, kind, scheme, ["nowhere"])
    assert "nowhere" in caught.value.remedy


@needs_apt
@both_schemes
def test_label_and_origin_come_from_the_repo(place: Place, scheme: str) -> None:
    (source,) = chain(place, "apt", scheme, ["diff-1"])
    assert (source.label, source.origin, source.signed) == ("fuel-diff-1", "Fuel", False)


@needs_apt
@needs("gpg")
def test_a_signed_repo_is_checked_by_apt(tmp_path: Path) -> None:
    repo = make_apt_repo(tmp_path / "repo", BASE[:1])
    key = sign(repo / "dists/precise", tmp_path / "gpg")
    requested = NodeSource("signed", f"file://{repo}", "precise", ("main",))
    source = fetch_identity(requested, timeout_s=120)
    assert (source.label, source.signed) == ("Fuel", True)
    node = AptNode(tmp_path / "node")
    with pytest.raises(OutsideError, match=r"NO_PUBKEY|not signed"):
        node.apply(render_apt([source]))
    write_tree({"etc/apt/trusted.gpg.d/fuel.asc": key}, node.root)
    node.apply(render_apt([source]))
    node.install(["same"])
    assert node.installed() == expected(BASE[:1])


def sign(dist: Path, home: Path) -> str:
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--batch", "--homedir", str(home), "--passphrase", ""]
    process.run([*gpg, "--quick-gen-key", "fuel@example.com", "ed25519"], timeout_s=120)
    process.run([*gpg, "--clearsign", "-o", f"{dist}/InRelease", f"{dist}/Release"], timeout_s=120)
    key = process.run([*gpg, "--armor", "--export"], timeout_s=120)
    process.run(["gpgconf", "--homedir", str(home), "--kill", "all"], timeout_s=120)
    return key


@needs_apt
def test_a_repo_without_a_release_file_serves_when_it_is_last(place: Place, tmp_path: Path) -> None:
    """LP1448178: deployment failed if a repo had no Release."""
    (newer,) = chain(place, "apt", "file", ["diff-1"])
    repo = make_apt_repo(tmp_path / "repo", BASE)
    (repo / "dists/precise/Release").unlink()
    bare = NodeSource("bare", f"file://{repo}", "precise", ("main",))
    older = fetch_identity(bare, timeout_s=120)
    assert older == bare
    node = AptNode(tmp_path / "node")
    node.apply(render_apt([newer, older]))
    node.install([recipe.name for recipe in CURRENT])
    assert node.installed() == expected(CURRENT)
