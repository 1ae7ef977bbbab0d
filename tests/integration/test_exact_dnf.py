"""The real dnf resolves base and diffs with exact sources like the full repo."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import createrepo_c
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from demo.nodes import DnfNode
from demo.packages import Recipe, build_rpm
from fuel_upgrade.errors import ConfigError, OutsideError
from fuel_upgrade.nodes.chain_content import RepoContent, fetch_content
from fuel_upgrade.nodes.exact_sources import render_exact
from fuel_upgrade.nodes.resolve import resolve
from fuel_upgrade.nodes.sources import NodeSource, render_yum
from fuel_upgrade.nodes.write_sources import write_tree
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.fullview.view import build_view
from fuel_upgrade.system.files import remove_tree
from tests.builders import write
from tests.exactness import LONGEST_CHAIN, Chain, Item, Release, Tally, cases_wanted, chains, report
from tests.generations import Generation, generations, opened
from tests.tools import needs
from tests.yum_shapes import SHAPES

pytestmark = needs("dnf", "rpmbuild")

CASES = cases_wanted("EXACT_DNF_CASES", 6)
NAMES = ("alpha", "beta", "delta++")
VERSIONS = ("1.0-1", "1.1~rc1-1", "1.1+b1-1", "1:0.9-1", "2.0-1")
ARCHITECTURES = ("x86_64", "noarch")
WORKER = Path(__file__).parents[1] / "dnf_plans.py"

GONE = Item("delta++", "1:0.9-1", "noarch")

USUAL = ("all metadata",) * LONGEST_CHAIN

numbers = count()


class Pool:
    """Rpms built when they are first asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._built: dict[Item, Path] = {}

    def rpm(self, item: Item) -> Path:
        if item not in self._built:
            recipe = Recipe(item.name, item.version, f"content {item.content}", item.architecture)
            self._built[item] = build_rpm(recipe, self.root / str(len(self._built)))
        return self._built[item]


class Dnf:
    """The dnf of a system, held open: starting it takes longer than a plan."""

    def __init__(self, system: Generation) -> None:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            system.argv("/usr/bin/python3", "-c", WORKER.read_text()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def plans(self, root: Path, files: dict[str, str], names: list[str]) -> dict[str, Any]:
        write_tree(files, root)
        requested = {
            "reposdir": str(root / "etc/yum.repos.d"),
            "cachedir": str(root / "cache"),
            "names": names,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(requested) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate(timeout=120)


@pytest.fixture(scope="module", params=generations())
def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Generation]:
    yield from opened(request.param, tmp_path_factory.mktemp("exact"))


@pytest.fixture(scope="module")
def pool(system: Generation) -> Pool:
    return Pool(system.shared)


@pytest.fixture(scope="module")
def tally(system: Generation) -> Iterator[Tally]:
    counted = Tally()
    yield counted
    report("dnf " + system.run(["dnf", "--version"]).split()[0], counted)


@pytest.fixture(scope="module")
def dnf(system: Generation) -> Iterator[Dnf]:
    made = Dnf(system)
    yield made
    made.close()


@settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    derandomize=CASES <= 6,
    phases=(Phase.explicit, Phase.generate),  # to shrink a case takes many minutes
    suppress_health_check=list(HealthCheck),
)
@given(
    chain=chains(VERSIONS, ARCHITECTURES, 2, names=NAMES),
    forms=st.tuples(*[st.sampled_from(sorted(SHAPES))] * LONGEST_CHAIN),
)
@example(  # rebuilt with the same size, went down, removed, and one version left of two
    chain=(
        (
            Item("alpha", "2.0-1", "x86_64"),
            Item("beta", "1.0-1", "noarch"),
            Item("beta", "2.0-1", "noarch"),
            Item("delta++", "1:0.9-1", "noarch"),
            Item("zeta", "1.0-1", "x86_64"),
        ),
        (
            Item("alpha", "1.0-1", "x86_64"),
            Item("beta", "1.0-1", "noarch"),
            Item("zeta", "1.0-1", "x86_64", 1),
        ),
    ),
    forms=USUAL,
)
def test_a_chain_gives_what_the_full_repo_gives(
    pool: Pool, dnf: Dnf, tally: Tally, chain: Chain, forms: tuple[str, ...]
) -> None:
    root = pool.root / f"case-{next(numbers)}"
    repos = make_repos(pool, root, chain, forms)
    tally.note(chain, [form for form in forms[: len(chain)] if form not in USUAL])
    full, contents = fetch(repos[0]), [fetch(repo) for repo in repos[1:]]
    names = sorted({text for release in chain for item in release for text in asked_for(item)})
    alone = dnf.plans(root / "alone", render_exact("centos", [full]), names)
    build_view(repos[1:], root / "view")
    viewed = render_exact("centos", [fetch(root / "view")])
    assert dnf.plans(root / "viewed", viewed, names) == alone
    try:
        files = render_exact("centos", contents)
    except ConfigError as error:
        assert "several files of one version" in str(error)  # noqa: PT017 - refusing is right too
        tally.refuse("several files of one version")
        return
    tally.hidden += len(list(resolve(contents).hidden))
    tally.names += len(names)
    exact = dnf.plans(root / "exact", files, names)
    assert exact == alone
    assert len(exact["available"]) == len(chain[-1])
    remove_tree(root)


def test_priorities_prefer_an_older_version_that_the_release_adds(pool: Pool, dnf: Dnf) -> None:
    """Why there are exclusions in place of priorities."""
    old, new = Item("alpha", "1.0-1", "noarch"), Item("alpha", "2.0-1", "noarch")
    full, *repos = make_repos(pool, pool.root / "priorities", ((new,), (old, new)))
    contents = [fetch(repo) for repo in repos]
    files = {
        "alone": render_exact("centos", [fetch(full)]),
        "exact": render_exact("centos", contents),
        "plain": render_yum([content.source for content in contents]),
    }
    actual = {
        kind: dnf.plans(pool.root / kind, text, ["alpha"])["plans"]["alpha"][0][0]
        for kind, text in files.items()
    }
    assert actual == {
        "alone": "alpha-2.0-1.noarch",
        "exact": "alpha-2.0-1.noarch",
        "plain": "alpha-1.0-1.noarch",
    }


@pytest.mark.parametrize("exact", [True, False])
def test_a_real_install_takes_what_is_planned(pool: Pool, tmp_path: Path, *, exact: bool) -> None:
    chain = (
        (Item("alpha", "2.0-1", "x86_64"), Item("beta", "1.0-1", "noarch"), GONE),
        (Item("alpha", "1.0-1", "x86_64"), Item("beta", "1.0-1", "noarch", 1)),
    )
    full, *repos = make_repos(pool, tmp_path / "repos", chain)
    node = DnfNode(tmp_path / "node")
    node.apply(render_exact("centos", [fetch(r) for r in (repos if exact else [full])]))
    node.install(["alpha", "beta"])
    assert node.installed() == {"alpha": ("1.0-1", "content 0"), "beta": ("1.0-1", "content 1")}
    with pytest.raises(OutsideError, match="Unable to find a match"):
        node.install([GONE.name])


def test_one_version_for_two_architectures_in_two_repos_is_refused(pool: Pool, dnf: Dnf) -> None:
    """Found by the property test: dnf takes the first that it reads, here of the other repo."""
    both = Item("alpha", "1.0-1", "noarch"), Item("alpha", "1.0-1", "x86_64")
    before = (Item("alpha", "1.0-1", "noarch"), Item("alpha", "1.0-1", "x86_64", 1))
    full, *repos = make_repos(pool, pool.root / "tie", (before, both))
    with pytest.raises(ConfigError, match="several files of one version"):
        render_exact("centos", [fetch(repo) for repo in repos])
    alone = render_exact("centos", [fetch(full)])
    plan = dnf.plans(pool.root / "tied", alone, ["alpha"])["plans"]["alpha"]
    assert [name for name, _ in plan] == ["alpha-1.0-1.noarch"]


def asked_for(item: Item) -> tuple[str, str]:
    """Return the arguments of an install: the name, and the name with this version."""
    return item.name, f"{item.name}-{item.version}.{item.architecture}"


def make_repos(pool: Pool, root: Path, chain: Chain, forms: Sequence[str] = USUAL) -> list[Path]:
    """Make the full repo of the newest release, and its chain, newest first."""
    fulls = [
        SHAPES[form](make_full(pool, root / f"full-{number}", release))
        for number, (release, form) in enumerate(zip(chain, forms, strict=False))
    ]
    repos = [fulls[0]]
    for number, full in enumerate(fulls[1:], start=1):
        build_diff(repos[0], full, root / f"diff-{number}")
        repos.insert(0, root / f"diff-{number}")
    return [fulls[-1], *repos]


def make_full(pool: Pool, root: Path, release: Release) -> Path:
    folder = root / "repodata"
    folder.mkdir(parents=True)
    actual = [_indexed(pool.rpm(item), root) for item in release]
    repomd = createrepo_c.Repomd()
    repomd.set_revision("1")
    writers = {
        "primary": createrepo_c.PrimaryXmlFile,
        "filelists": createrepo_c.FilelistsXmlFile,
        "other": createrepo_c.OtherXmlFile,
    }
    for kind, make in writers.items():
        xml = make(str(folder / f"{kind}.xml.gz"), createrepo_c.GZ_COMPRESSION)
        xml.set_num_of_pkgs(len(actual))
        for package in actual:
            xml.add_pkg(package)
        xml.close()
        record = createrepo_c.RepomdRecord(kind, str(folder / f"{kind}.xml.gz"))
        record.fill(createrepo_c.SHA256)
        record.timestamp = 1
        repomd.set_record(record)
    write(folder / "repomd.xml", repomd.xml_dump())
    return root


def _indexed(rpm: Path, root: Path) -> createrepo_c.Package:
    package = createrepo_c.package_from_rpm(str(rpm))
    package.location_href = f"Packages/{package.pkgId[:12]}/{rpm.name}"
    target = root / package.location_href
    target.parent.mkdir(parents=True)
    target.hardlink_to(rpm)
    return package


def fetch(repo: Path) -> RepoContent:
    return fetch_content(NodeSource(repo.name, f"file://{repo}", None, ()), timeout_s=120)
