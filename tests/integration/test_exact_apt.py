"""The real apt resolves base and diffs, and their full view, like the full repo."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from fuel_upgrade.cli.client.daemon_client import Target
from fuel_upgrade.cli.node.sources_command import sources as node_sources
from fuel_upgrade.errors import ConfigError, OutsideError
from fuel_upgrade.nodes.chain_content import RepoContent, fetch_content
from fuel_upgrade.nodes.exact_sources import SourceStyle, render_exact
from fuel_upgrade.nodes.repo_identity import fetch_identity
from fuel_upgrade.nodes.resolve import resolve
from fuel_upgrade.nodes.sources import NodeSource, render_apt
from fuel_upgrade.repo.apt.suite_path import is_flat
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.fullview.view import build_view
from fuel_upgrade.repo.sign import SigningKey
from fuel_upgrade.system import process
from fuel_upgrade.system.files import remove_tree
from tests.apt_nodes import Node, Plans, Questions, plans
from tests.apt_shapes import (
    COMPONENTS,
    EXPIRED,
    IN_FUTURE,
    NATIVES,
    NOT_AUTOMATIC,
    SUITE,
    AptShape,
    Layout,
    flat_shapes,
    make_deb,
    make_full,
    shapes,
)
from tests.builders import write
from tests.exactness import LONGEST_CHAIN, NAMES, Chain, Item, Tally, cases_wanted, chains, report
from tests.generations import Generation, generations, opened
from tests.tools import needs

pytestmark = needs("apt-get", "apt-cache", "dpkg-deb", "gpg")

CASES = cases_wanted("EXACT_APT_CASES", 12)
VERSIONS = ("1.0", "1.1", "1.1~rc1", "1.1+b1", "1:0.9", "2.0-1", "2.0-1ubuntu1")
ARCHITECTURES = ("amd64", "all", "i386")
REFUSALS = ("several files of one version", "says NotAutomatic")
USUAL = (AptShape(),) * LONGEST_CHAIN
USER = "Fuel <fuel@example.com>"
HIDDEN_ABOVE = (
    (Item("alpha", "2.0-1", "amd64"), Item("beta", "1.0", "amd64"), Item("beta", "1.1", "amd64")),
    (Item("alpha", "1.0", "amd64"), Item("beta", "1.0", "amd64")),
)

numbers = count()


@dataclass(frozen=True)
class Setting:
    """A system with its key, and the tally of its cases."""

    system: Generation
    key: SigningKey
    public: Path
    tally: Tally = field(default_factory=Tally)


@pytest.fixture(scope="module", params=generations())
def setting(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Setting]:
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    gpg = ("gpg", "--batch", "--homedir", str(home), "--passphrase", "")
    process.run([*gpg, "--quick-gen-key", USER, "ed25519", "sign", "never"], timeout_s=60)
    for system in opened(request.param, tmp_path_factory.mktemp("exact")):
        public = system.shared / "key.asc"
        process.run([*gpg, "--armor", "--output", str(public), "--export"], timeout_s=60)
        made = Setting(system, SigningKey(USER, home), public)
        yield made
        report("apt " + system.run(["apt-get", "--version"]).split()[1], made.tally)
    process.run(["gpgconf", "--homedir", str(home), "--kill", "all"], timeout_s=60)


@pytest.fixture
def folder(setting: Setting) -> Path:
    return setting.system.shared / str(next(numbers))


@settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    derandomize=CASES <= 12,
    phases=(Phase.explicit, Phase.generate),  # to shrink a case takes many minutes
    suppress_health_check=list(HealthCheck),
)
@given(
    chain=chains(VERSIONS, ARCHITECTURES, 4, COMPONENTS),
    forms=st.one_of(
        st.tuples(*[shapes()] * LONGEST_CHAIN),
        shapes().map(lambda shape: (shape,) * LONGEST_CHAIN),
        st.tuples(*[flat_shapes()] * LONGEST_CHAIN),
    ),
    installed=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VERSIONS), max_size=3),
    deb822=st.booleans(),
)
@example(  # a removed version, and one that went down, with another file of the same version
    chain=(
        (
            Item("alpha", "2.0-1", "amd64"),
            Item("beta", "1.0", "all"),
            Item("delta++", "1.0", "all"),
        ),
        (Item("alpha", "1.0", "amd64"), Item("beta", "1.0", "all", 2), Item("beta", "1.1", "i386")),
    ),
    forms=USUAL,
    installed={"alpha": "2.0-1"},
    deb822=False,
)
@example(  # of the base's two versions one is left, for one architecture
    chain=(
        (
            Item("alpha", "1.0", "amd64"),
            Item("alpha", "1.1", "amd64"),
            Item("alpha", "1.1", "i386"),
        ),
        (Item("alpha", "1.0", "amd64"), Item("alpha", "1.1", "i386")),
        (
            Item("alpha", "1.0", "amd64", 1),
            Item("alpha", "1.1", "amd64"),
            Item("beta", "1:0.9", "all"),
        ),
    ),
    forms=USUAL,
    installed={},
    deb822=True,
)
@example(  # hidden versions are not below those of a release that is not automatic
    chain=HIDDEN_ABOVE,
    forms=(AptShape(NOT_AUTOMATIC),) * LONGEST_CHAIN,
    installed={},
    deb822=False,
)
@example(  # a base that is not automatic, below a release that is
    chain=HIDDEN_ABOVE,
    forms=(AptShape(NOT_AUTOMATIC), AptShape(), AptShape()),
    installed={},
    deb822=True,
)
@example(  # a full view whose Valid-Until is over, on a base with a later date
    chain=HIDDEN_ABOVE,
    forms=(AptShape(dates=IN_FUTURE), AptShape(dates=EXPIRED, by_hash=True), AptShape()),
    installed={},
    deb822=True,
)
@example(  # a signed base whose Valid-Until is over
    chain=HIDDEN_ABOVE,
    forms=(AptShape(dates=EXPIRED, signed=True), AptShape(signed=True), AptShape()),
    installed={"alpha": "1.0"},
    deb822=False,
)
def test_a_chain_gives_what_the_full_repo_gives(
    setting: Setting,
    chain: Chain,
    forms: tuple[AptShape, ...],
    installed: dict[str, str],
    *,
    deb822: bool,
) -> None:
    root = setting.system.shared / f"case-{next(numbers)}"
    tally = setting.tally
    repos = make_repos(root, chain, forms, setting.key)
    tally.note(chain, [kind for form in forms[: len(chain)] for kind in form.kinds()])
    build_view(repos[1:], root / "view")
    names = sorted({f"{i.name}:{a}" for r in chain for i in r for a in NATIVES})
    shown = [item for item in chain[-1] if forms[len(chain) - 1].shows(item)]
    kept = [f"{i.name}:{i.architecture.replace('all', 'amd64')}" for i in shown]
    questions = Questions(names, kept, installed)
    style = SourceStyle(deb822=deb822, signed_by=str(setting.public))
    suites = [form.suite for form in forms[: len(chain)]][::-1]

    def planned(name: str, files: dict[str, str]) -> Plans | str:
        return plans(setting.system, root / name, files, questions)

    alone = planned("alone", render_exact("ubuntu", [fetch(repos[0], suites[0])], style))
    view = render_exact("ubuntu", [fetch(root / "view", suites[0])], style)
    assert planned("viewed", view) == alone
    contents = [fetch(repo, suite) for repo, suite in zip(repos[1:], suites, strict=True)]
    try:
        files = render_exact("ubuntu", contents, style)
    except ConfigError as error:
        reason = [text for text in REFUSALS if text in str(error)]
        assert reason
        tally.refuse(*reason)
        return
    tally.hidden += len(list(resolve(contents).hidden))
    tally.names += len(names)
    assert planned("exact", files) == alone
    tally.refused_alike += isinstance(alone, str)
    remove_tree(root)


def make_repos(
    root: Path,
    chain: Chain,
    forms: Sequence[AptShape] = USUAL,
    key: SigningKey | None = None,
) -> list[Path]:
    """Make the full repo of the newest release, and its chain, newest first."""
    fulls = [
        make_full(root / f"full-{number}", release, form, key)
        for number, (release, form) in enumerate(zip(chain, forms, strict=False))
    ]
    repos = [fulls[0]]
    for number, full in enumerate(fulls[1:], start=1):
        options = DiffOptions(key=key if forms[number].signed else None)
        build_diff(repos[0], full, root / f"diff-{number}", options)
        repos.insert(0, root / f"diff-{number}")
    return [fulls[-1], *repos]


def fetch(repo: Path, suite: str = SUITE) -> RepoContent:
    components = () if is_flat(suite) else COMPONENTS
    source = NodeSource(repo.name, f"file://{repo}", suite, components)
    return fetch_content(fetch_identity(source, timeout_s=120), timeout_s=120)


def test_a_bare_name_means_the_native_architecture_that_the_base_had(
    setting: Setting, folder: Path
) -> None:
    """A limit of pins: a hidden package is still known, so its name does not mean another one."""
    chain = ((Item("alpha", "1.0", "amd64"),), (Item("alpha", "1.1", "i386"),))
    full, *repos = map(fetch, make_repos(folder, chain))
    alone = Node(setting.system, folder / "alone", render_exact("ubuntu", [full]))
    exact = Node(setting.system, folder / "exact", render_exact("ubuntu", repos))
    assert exact.candidates(["alpha:i386"]) == alone.candidates(["alpha:i386"])
    assert "alpha:i386" in alone.run("apt-get", "--simulate", "install", "alpha")
    with pytest.raises(OutsideError, match="no installation candidate"):
        exact.run("apt-get", "--simulate", "install", "alpha")


ONE_NEW = (
    (Item("alpha", "1.0", "all"),),
    (Item("alpha", "1.0", "all"), Item("beta", "1.0", "all")),
)


def test_apt_reads_no_index_of_a_diff_that_it_does_not_read_in_the_full_repo(
    setting: Setting, folder: Path
) -> None:
    forms = (AptShape(), AptShape(layout=Layout.UNREAD))
    full, diff, _ = make_repos(folder, ONE_NEW, forms)
    for number, repo in enumerate((full, diff)):
        files = render_apt([fetch(repo).source])
        assert Node(setting.system, folder / f"node-{number}", files).policy(["beta"]) == {}


@pytest.mark.parametrize(
    "layouts",
    [(Layout.ALONE, Layout.ALONE), (Layout.APART, Layout.BOTH), (Layout.EACH, Layout.ALONE)],
)
def test_apt_reads_every_index_of_a_view_without_original_indexes(
    setting: Setting, folder: Path, layouts: tuple[Layout, Layout]
) -> None:
    forms = [AptShape(layout=layout) for layout in layouts]
    repos = make_repos(folder, ONE_NEW, forms)[1:]
    build_view(repos, folder / "view", DiffOptions(original=False))
    node = Node(setting.system, folder / "node", render_apt([fetch(folder / "view").source]))
    assert node.policy(["alpha", "beta"]) == {"alpha:amd64": "1.0", "beta:amd64": "1.0"}


DOWN_AND_GONE = (
    (Item("alpha", "2.0-1", "amd64"), Item("beta", "1.0", "amd64")),
    (Item("alpha", "1.0", "amd64"),),
)


def test_a_node_keeps_a_version_that_the_release_went_down_from(
    setting: Setting, folder: Path
) -> None:
    repos = [fetch(repo) for repo in make_repos(folder, DOWN_AND_GONE)[1:]]
    exact = Node(setting.system, folder / "exact", render_exact("ubuntu", repos))
    assert exact.policy(["alpha"]) == {"alpha:amd64": "1.0"}
    exact.pretend({"alpha": "2.0-1"})
    assert exact.policy(["alpha"]) == {"alpha:amd64": "2.0-1"}
    known = [fetch_identity(content.source, timeout_s=120) for content in repos]
    plain = Node(setting.system, folder / "plain", render_apt(known))
    plain.pretend({"alpha": "2.0-1"})
    assert plain.policy(["alpha"]) == {"alpha:amd64": "1.0"}, "a pin above 1000 takes it down"


def test_an_installed_package_that_the_release_removed_stays(
    setting: Setting, folder: Path
) -> None:
    """A limit of pins: asked for by name, it has no candidate; the full repo has none either."""
    exact = Node(
        setting.system,
        folder / "exact",
        render_exact("ubuntu", [fetch(r) for r in make_repos(folder, DOWN_AND_GONE)[1:]]),
    )
    exact.pretend({"beta": "1.0"})
    assert exact.upgrades() == []
    with pytest.raises(OutsideError, match="no installation candidate"):
        exact.run("apt-get", "--simulate", "install", "beta")


@pytest.mark.parametrize("deb822", [False, True])
def test_a_signed_chain_is_checked_with_the_given_key(
    setting: Setting, folder: Path, *, deb822: bool
) -> None:
    signed = (AptShape(signed=True),) * LONGEST_CHAIN
    repos = make_repos(folder, DOWN_AND_GONE, signed, setting.key)[1:]
    with pytest.raises(OutsideError, match=r"NO_PUBKEY|[Mm]issing key|not signed"):
        Node(setting.system, folder / "unknown", written(folder / "a", repos))
    form = ("--format", "deb822") if deb822 else ()
    files = written(folder / "b", repos, "--signed-by", str(setting.public), *form)
    assert "rusted" not in "".join(files.values())
    exact = Node(setting.system, folder / "exact", files)
    assert exact.policy(["alpha", "beta"]) == {"alpha:amd64": "1.0"}


def test_the_command_tells_the_way_out_when_a_repo_does_not_answer(tmp_path: Path) -> None:
    repos = make_repos(tmp_path, DOWN_AND_GONE)[1:]
    with pytest.raises(OutsideError, match="no repo at") as caught:
        written(tmp_path / "a", [*repos, tmp_path / "nowhere"])
    assert "--plain" in caught.value.remedy
    assert not (tmp_path / "a").exists()
    pins = written(tmp_path / "b", repos, "--plain")["etc/apt/preferences.d/fuel-upgrade.pref"]
    assert "Pin-Priority: 1001" in pins


def test_plain_sources_need_no_repo_to_answer(tmp_path: Path) -> None:
    newer, older = make_repos(tmp_path, DOWN_AND_GONE)[1:]
    files = written(tmp_path / "a", [tmp_path / "nowhere", newer, older], "--plain")
    names = re.findall(r"file://\S*/(\S+) ", files["etc/apt/sources.list.d/00-fuel-upgrade.list"])
    assert names == ["nowhere", newer.name, older.name]
    pins = files["etc/apt/preferences.d/fuel-upgrade.pref"]
    assert re.findall(r"Pin-Priority: (\d+)", pins) == ["1001"]
    where = "http://127.0.0.1:1/a precise main,http://127.0.0.1:1/b precise main"
    options = ("--plain", "-o", str(tmp_path / "b"), "--json")
    for system, repos, unread in (("ubuntu", where, ["a", "b"]), ("centos", CENTOS, [])):
        done = CliRunner().invoke(
            node_sources, ("--os", system, "--repos", repos, *options), obj=NO_DAEMON
        )
        assert done.exit_code == 0
        assert json.loads(done.stdout)["unread"] == unread
        noted = [line for line in done.stderr.splitlines() if line.startswith("note:   no pin for")]
        assert len(noted) == len(unread)


@pytest.mark.parametrize(
    "options",
    [
        ("--os", "centos", "--format", "deb822"),
        ("--os", "centos", "--signed-by", "/k"),
        ("--os", "ubuntu", "--gpgkey", "http://k"),
        ("--os", "ubuntu", "--plain", "--signed-by", "/k"),
        ("--os", "ubuntu", "--plain", "--format", "deb822"),
        ("--os", "ubuntu", "--format", "astute", "--signed-by", "/k"),
    ],
)
def test_options_without_effect_are_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        command(*options, "-o", str(tmp_path), "--repos", "http://nowhere")
    assert "leave one" in caught.value.remedy


def written(out: Path, repos: Sequence[Path], *options: str) -> dict[str, str]:
    """Run ``fuel-upgrade node sources`` and return its output."""
    listed = ",".join(f"file://{repo} {SUITE} {' '.join(COMPONENTS)}" for repo in repos)
    command("--os", "ubuntu", "-o", str(out), "--repos", listed, *options)
    return {str(p.relative_to(out)): p.read_text() for p in out.rglob("*") if p.is_file()}


CENTOS = "http://127.0.0.1:1/a,http://127.0.0.1:1/b"
NO_DAEMON = Target(None, None, Path("/nowhere"))


def command(*options: str) -> None:
    done = CliRunner().invoke(node_sources, options, obj=NO_DAEMON)
    if done.exception is not None:
        raise done.exception


def test_the_debs_are_real(tmp_path: Path) -> None:
    deb = write(tmp_path / "a.deb", make_deb(Item("alpha", "1:0.9", "all", 3))[1])
    assert process.run(["dpkg-deb", "-f", str(deb), "Version"], timeout_s=120) == "1:0.9\n"
