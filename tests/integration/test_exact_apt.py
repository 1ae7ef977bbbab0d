"""The real apt resolves base and diffs, and their full view, like the full repo."""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fuel_upgrade.cli.client.daemon_client import Target
from fuel_upgrade.cli.node.sources_command import sources as node_sources
from fuel_upgrade.errors import ConfigError, OutsideError
from fuel_upgrade.nodes.chain_content import RepoContent, fetch_content
from fuel_upgrade.nodes.exact_sources import SourceStyle, render_exact
from fuel_upgrade.nodes.repo_identity import fetch_identity
from fuel_upgrade.nodes.resolve import resolve
from fuel_upgrade.nodes.sources import NodeSource, render_apt
from fuel_upgrade.nodes.write_sources import write_tree
from fuel_upgrade.repo.apt.stanza import FileSums, render_packages, render_release
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.fullview.view import build_view
from fuel_upgrade.system import process
from fuel_upgrade.system.files import remove_tree
from tests.builders import write
from tests.exactness import NAMES, Chain, Item, Release, Tally, cases_wanted, chains, report
from tests.tools import needs

pytestmark = needs("apt-get", "apt-cache", "dpkg-deb")

CASES = cases_wanted("EXACT_APT_CASES", 12)
VERSIONS = ("1.0", "1.1", "1.1~rc1", "1.1+b1", "1:0.9", "2.0-1", "2.0-1ubuntu1")
ARCHITECTURES = ("amd64", "all", "i386")
COMPONENTS = ("main", "extra")
INDEXED = ("amd64", "i386")
SUITE = "precise"
CONF = """\
Dir "{root}";
Dir::State::status "{root}/var/lib/dpkg/status";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; "i386"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
"""
FOLDERS = (
    "etc/apt/apt.conf.d",
    "etc/apt/preferences.d",
    "etc/apt/sources.list.d",
    "etc/apt/trusted.gpg.d",
    "var/cache/apt/archives/partial",
    "var/lib/apt/lists/partial",
    "var/lib/dpkg",
)
Candidates = tuple[dict[str, str], frozenset[str]]

tally = Tally()
numbers = count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("exact")
    report("apt " + process.run(["apt-get", "--version"], timeout_s=120).split()[1], tally)


@settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    derandomize=CASES <= 12,
    suppress_health_check=list(HealthCheck),
)
@given(
    chain=chains(VERSIONS, ARCHITECTURES, 4, COMPONENTS),
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
    installed={},
    deb822=True,
)
def test_a_chain_gives_what_the_full_repo_gives(
    folder: Path, chain: Chain, installed: dict[str, str], *, deb822: bool
) -> None:
    root = folder / str(next(numbers))
    repos = make_repos(root, chain)
    tally.note(chain)
    full, contents = fetch(repos[0]), [fetch(repo) for repo in repos[1:]]
    build_view(repos[1:], root / "view")
    names = sorted({f"{i.name}:{a}" for r in chain for i in r for a in INDEXED})
    alone, viewed = (
        Node(root / f"node-{number}", render_exact("ubuntu", [content]))
        for number, content in enumerate((full, fetch(root / "view")))
    )
    assert viewed.candidates(names) == alone.candidates(names)
    try:
        files = render_exact("ubuntu", contents, SourceStyle(deb822=deb822))
    except ConfigError as error:
        assert "several files of one version" in str(error)  # noqa: PT017 - refusing is right too
        tally.refused += 1
        return
    tally.hidden += len(list(resolve(contents).hidden))
    tally.names += len(names)
    exact = Node(root / "exact", files)
    assert exact.candidates(names) == alone.candidates(names)
    for node in (exact, alone):
        node.pretend(installed)
    assert exact.upgrades() == alone.upgrades()
    kept = [f"{i.name}:{i.architecture.replace('all', 'amd64')}" for i in chain[-1]]
    assert exact.policy(kept) == alone.policy(kept)
    remove_tree(root)


class Node:
    """A node of two architectures that only reads indexes and plans."""

    def __init__(self, root: Path, files: dict[str, str]) -> None:
        self.root = root
        for name in FOLDERS:
            (root / name).mkdir(parents=True)
        self.conf = write(root / "etc/apt/node.conf", CONF.format(root=root))
        self.pretend({})
        write_tree(files, root)
        self.run("apt-get", "update", "--error-on=any")

    def pretend(self, installed: dict[str, str]) -> None:
        stanzas = (
            f"Package: {name}\nStatus: install ok installed\nVersion: {version}\n"
            "Maintainer: m <m@example.com>\nArchitecture: amd64\nDescription: d\n\n"
            for name, version in installed.items()
        )
        write(self.root / "var/lib/dpkg/status", "".join(stanzas))

    def candidates(self, names: Sequence[str]) -> Candidates:
        """Return the candidates' versions, and the files' names and checksums, of these."""
        versions = self.policy(names)
        printed = (
            self.run("apt-get", "download", "--print-uris", *versions) if versions else ""
        ).splitlines()
        return versions, frozenset(line.split("' ", 1)[1] for line in printed if "' " in line)

    def policy(self, names: Iterable[str]) -> dict[str, str]:
        table = self.run("apt-cache", "policy", *sorted(set(names)))
        actual = re.findall(r"^(\S+):\n.*\n  Candidate: (\S+)$", table, re.MULTILINE)
        return {
            name if name.count(":") else f"{name}:amd64": version
            for name, version in actual
            if version != "(none)"
        }

    def upgrades(self) -> list[str]:
        planned = self.run("apt-get", "--simulate", "dist-upgrade")
        return re.findall(r"^(?:Inst|Remv) \S+ (?:\[\S+\] )?\(\S+", planned, re.MULTILINE)

    def run(self, *argv: str) -> str:
        environment = {"APT_CONFIG": str(self.conf)}
        return process.run(argv, timeout_s=60, env=environment)


def make_repos(root: Path, chain: Chain) -> list[Path]:
    """Make the full repo of the newest release, and its chain, newest first."""
    fulls = [make_full(root / f"full-{n}", release) for n, release in enumerate(chain)]
    repos = [fulls[0]]
    for number, full in enumerate(fulls[1:], start=1):
        build_diff(repos[0], full, root / f"diff-{number}")
        repos.insert(0, root / f"diff-{number}")
    return [fulls[-1], *repos]


def make_full(root: Path, release: Release) -> Path:
    files = {}
    for component in COMPONENTS:
        for architecture in INDEXED:
            stanzas = [
                _stanza(root, item)
                for item in release
                if item.component == component and item.architecture in (architecture, "all")
            ]
            files[f"{component}/binary-{architecture}/Packages"] = render_packages(stanzas)
    fields = {"Label": "Full", "Suite": SUITE, "Codename": SUITE, "Components": "main extra"}
    fields["Architectures"] = " ".join(INDEXED)
    fields["Date"] = "Sat, 01 Nov 2014 00:00:00 UTC"
    dist = root / "dists" / SUITE
    for name, data in files.items():
        write(dist / name, data)
    write(dist / "Release", render_release(fields, {k: FileSums.of(v) for k, v in files.items()}))
    return root


def _stanza(root: Path, item: Item) -> bytes:
    control, data = make_deb(item)
    checksum = hashlib.sha256(data).hexdigest()
    location = f"pool/{checksum[:12]}/{item.name}.deb"
    write(root / location, data)
    text = f"{control}Filename: {location}\nSize: {len(data)}\nSHA256: {checksum}"
    return text.encode()


@cache
def make_deb(item: Item) -> tuple[str, bytes]:
    """Return the control fields and the bytes of a deb; see deb(5). Its component is not in it."""
    control = (
        f"Package: {item.name}\nVersion: {item.version}\nArchitecture: {item.architecture}\n"
        "Maintainer: m <m@example.com>\n" + "Provides: other\n" * (item.content == 3)
    ) + f"Description: {item.name}\n"
    text = str(item.content) * (30_000 if item.content == 2 else 10)
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar": _tar("./control", control),
        "data.tar": _tar(f"./usr/share/{item.name}", text),
    }
    members = (
        f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data
        for name, data in parts.items()
    )
    return control, b"!<arch>\n" + b"".join(members)


def _tar(name: str, text: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def fetch(repo: Path) -> RepoContent:
    source = NodeSource(repo.name, f"file://{repo}", SUITE, COMPONENTS)
    return fetch_content(source, timeout_s=120)


def test_a_bare_name_means_the_native_architecture_that_the_base_had(tmp_path: Path) -> None:
    """A limit of pins: a hidden package is still known, so its name does not mean another one."""
    chain = ((Item("alpha", "1.0", "amd64"),), (Item("alpha", "1.1", "i386"),))
    full, *repos = map(fetch, make_repos(tmp_path, chain))
    alone = Node(tmp_path / "alone", render_exact("ubuntu", [full]))
    exact = Node(tmp_path / "exact", render_exact("ubuntu", repos))
    assert exact.candidates(["alpha:i386"]) == alone.candidates(["alpha:i386"])
    assert "alpha:i386" in alone.run("apt-get", "--simulate", "install", "alpha")
    with pytest.raises(OutsideError, match="no installation candidate"):
        exact.run("apt-get", "--simulate", "install", "alpha")


DOWN_AND_GONE = (
    (Item("alpha", "2.0-1", "amd64"), Item("beta", "1.0", "amd64")),
    (Item("alpha", "1.0", "amd64"),),
)


def test_a_node_keeps_a_version_that_the_release_went_down_from(tmp_path: Path) -> None:
    repos = [fetch(repo) for repo in make_repos(tmp_path, DOWN_AND_GONE)[1:]]
    exact = Node(tmp_path / "exact", render_exact("ubuntu", repos))
    assert exact.policy(["alpha"]) == {"alpha:amd64": "1.0"}
    exact.pretend({"alpha": "2.0-1"})
    assert exact.policy(["alpha"]) == {"alpha:amd64": "2.0-1"}
    known = [fetch_identity(content.source, timeout_s=120) for content in repos]
    plain = Node(tmp_path / "plain", render_apt(known))
    plain.pretend({"alpha": "2.0-1"})
    assert plain.policy(["alpha"]) == {"alpha:amd64": "1.0"}, "a pin above 1000 takes it down"


def test_an_installed_package_that_the_release_removed_stays(tmp_path: Path) -> None:
    """A limit of pins: asked for by name, it has no candidate; the full repo has none either."""
    exact = Node(
        tmp_path / "exact",
        render_exact("ubuntu", [fetch(r) for r in make_repos(tmp_path, DOWN_AND_GONE)[1:]]),
    )
    exact.pretend({"beta": "1.0"})
    assert exact.upgrades() == []
    with pytest.raises(OutsideError, match="no installation candidate"):
        exact.run("apt-get", "--simulate", "install", "beta")


@needs("gpg")
@pytest.mark.parametrize("deb822", [False, True])
def test_a_signed_chain_is_checked_with_the_given_key(tmp_path: Path, *, deb822: bool) -> None:
    repos = make_repos(tmp_path, DOWN_AND_GONE)[1:]
    home = tmp_path / "gpg"
    gpg = ("gpg", "--batch", "--homedir", str(home), "--passphrase", "")
    home.mkdir(mode=0o700)
    process.run([*gpg, "--quick-gen-key", "fuel@example.com", "ed25519"], timeout_s=60)
    for repo in repos:
        dist = f"{repo}/dists/{SUITE}"
        process.run(
            [*gpg, "--clearsign", "-o", f"{dist}/InRelease", f"{dist}/Release"], timeout_s=60
        )
    key = write(tmp_path / "key.asc", process.run([*gpg, "--armor", "--export"], timeout_s=60))
    process.run(["gpgconf", "--homedir", str(home), "--kill", "all"], timeout_s=60)
    with pytest.raises(OutsideError, match=r"NO_PUBKEY|not signed"):
        Node(tmp_path / "unknown", written(tmp_path / "a", repos))
    form = ("--format", "deb822") if deb822 else ()
    files = written(tmp_path / "b", repos, "--signed-by", str(key), *form)
    assert "rusted" not in "".join(files.values())
    assert Node(tmp_path / "exact", files).policy(["alpha", "beta"]) == {"alpha:amd64": "1.0"}


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
