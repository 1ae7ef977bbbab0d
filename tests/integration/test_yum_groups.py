"""Groups, modules and advisories with the real dnf: a chain against the current repo alone."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from demo.nodes import DnfNode
from demo.packages import Recipe, make_yum_repo
from fuel_upgrade.cli.main import main
from fuel_upgrade.errors import CommandError
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.sign import SigningKey
from fuel_upgrade.system import process
from tests.tools import needs
from tests.yum_extras import (
    COMPRESSIONS,
    FILES,
    advisory,
    comps,
    default,
    listed,
    rewrite,
    stream,
    updates,
)

pytestmark = needs("dnf", "rpm", "rpmbuild", "createrepo_c", "modifyrepo_c")

BASE = (
    Recipe("tool", "1.0-1", "tool"),
    Recipe("web", "1.0-1", "web 1"),
    Recipe("db", "1.0-1", "db 1"),
    Recipe("plain", "1.0-1", "in a module once"),
)
CURRENT = (
    Recipe("tool", "1.0-1", "tool"),
    Recipe("web", "2.0-1", "web 2"),
    Recipe("web", "1.0-2", "web 1, again"),
    Recipe("db", "1.0-1", "db 1"),
    Recipe("db", "2.0-1", "db 2"),
    Recipe("plain", "1.0-1", "in a module once"),
)
NODE_HAS = tuple(Recipe(name, "0.5-1", "old") for name in ("tool", "web", "db", "plain"))
WEB_1, WEB_1_2 = "web-0:1.0-1.noarch", "web-0:1.0-2.noarch"
BASE_SAYS = {
    "group": comps({"core": ["tool", "web"], "gone": ["tool"]}),
    "modules": stream("web", "1", WEB_1, version=1)
    + default("web", "1")
    + stream("db", "1", "db-0:1.0-1.noarch")
    + default("db", "1"),
    "updateinfo": updates(advisory("SAME", "tool-1.0-1"), advisory("WORDS", "tool-1.0-1")),
}
CURRENT_SAYS = {
    "group": comps({"core": ["web"], "new": ["db"]}),
    "modules": stream("web", "1", WEB_1_2, version=2)
    + stream("web", "2", "web-0:2.0-1.noarch")
    + default("web", "2", modified=202002020000)
    + stream("db", "1", "db-0:1.0-1.noarch")
    + stream("db", "2", "db-0:2.0-1.noarch")
    + default("db", "1"),
    "updateinfo": updates(
        advisory("SAME", "tool-1.0-1"),
        advisory("WORDS", "tool-1.0-1", title="other words"),
        advisory("NEW", "web-2.0-1"),
    ),
}


def make_repo(root: Path, recipes: Sequence[Recipe], says: Mapping[str, str]) -> Path:
    """Make a repo, and add to it by the real modifyrepo_c."""
    make_yum_repo(root, recipes)
    for kind, text in says.items():
        path = root.parent / FILES[kind]
        path.write_text(text)
        argv = ["modifyrepo_c", "--mdtype", kind, "--compress", "--compress-type", "gz"]
        process.run([*argv, str(path), str(root / "repodata")], timeout_s=60)
    return root


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repos")
    make_repo(root / "base", BASE, BASE_SAYS)
    make_repo(root / "current", CURRENT, CURRENT_SAYS)
    build_diff(root / "base", root / "current", root / "diff")
    make_yum_repo(root / "before", NODE_HAS)
    return root


class Asked(DnfNode):
    """A node of the base release, for queries."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        with self._conf.open("a") as file:
            file.write("module_platform_id=platform:el6\n")

    def apply(self, files: Mapping[str, str]) -> None:
        """Leave no other source."""
        for path in (self.root / "etc/yum.repos.d").iterdir():
            path.unlink()
        super().apply(files)

    def ask(self, *argv: str) -> list[str]:
        """Return the lines that tell something, without the names of repos."""
        lines = (line.strip() for line in self._dnf("--quiet", *argv).splitlines())
        kept = (re.sub(r"\s+", " ", line) for line in lines)
        message = {line for line in kept if line and " " in line and not line.startswith("Hint")}
        return sorted(line for line in message if not line.startswith("Name "))


def node_of(folder: Path, repos: Sequence[Path]) -> Asked:
    """Give a node the output of ``fuel-upgrade node sources`` for these repos, newest first."""
    node = Asked(folder / "root")
    node.apply(write_sources(folder / "sources", repos))
    return node


def write_sources(folder: Path, repos: Sequence[Path], *options: str) -> dict[str, str]:
    given = ",".join(f"file://{repo}" for repo in repos)
    argv = ["node", "sources", "--os", "centos", "--repos", given, "-o", str(folder), *options]
    done = CliRunner().invoke(main, argv)
    assert done.exit_code == 0, done.output
    return written(folder)


def written(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def both(place: Path, folder: Path) -> tuple[Asked, Asked]:
    chain = node_of(folder / "chain", [place / "diff", place / "base"])
    return chain, node_of(folder / "alone", [place / "current"])


@pytest.fixture(scope="module")
def readable_groups(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where dnf crashes on any group: that of Debian 13 does (4.23, libcomps 0.1.21)."""
    folder = tmp_path_factory.mktemp("groups")
    (folder / "comps.xml").write_text(comps({"core": ["tool"]}))
    process.run(
        ["createrepo_c", "--quiet", "--groupfile", str(folder / "comps.xml"), str(folder)],
        timeout_s=60,
    )
    node = DnfNode(folder / "node")
    node.apply({"etc/yum.repos.d/plain.repo": f"[plain]\nname=plain\nbaseurl=file://{folder}\n"})
    try:
        node._dnf("--quiet", "group", "list", "--ids")
    except CommandError as error:
        if error.returncode is None or error.returncode >= 0:
            raise
        pytest.skip(f"dnf of this machine crashes on every group: {error.what}")


@pytest.mark.usefixtures("readable_groups")
def test_groups_are_those_of_the_current_repo(place: Path, tmp_path: Path) -> None:
    chain, alone = both(place, tmp_path)
    requested = (("group", "list", "--ids"), ("group", "info", "core"), ("group", "info", "new"))
    for argv in requested:
        assert chain.ask(*argv) == alone.ask(*argv) != []
    assert "core (core)" in chain.ask("group", "list", "--ids")
    assert "gone (gone)" not in chain.ask("group", "list", "--ids")
    for node in (chain, alone):
        node._dnf("group", "install", "core")
    assert chain.installed() == alone.installed() == {"web": ("2.0-1", "web 2")}


@pytest.mark.usefixtures("readable_groups")
def test_without_node_sources_groups_would_be_united(place: Path, tmp_path: Path) -> None:
    """The purpose of the switch in the sources."""
    node = Asked(tmp_path / "node")
    node.apply(plain_sources(place / "diff", place / "base"))
    assert {"core (core)", "gone (gone)", "new (new)"} <= set(node.ask("group", "list", "--ids"))


def plain_sources(*repos: Path) -> dict[str, str]:
    sections = (f"[{r.name}]\nname={r.name}\nbaseurl=file://{r}\ngpgcheck=0\n" for r in repos)
    return {"etc/yum.repos.d/plain.repo": "\n".join(sections)}


def test_modules_are_those_of_the_current_repo(place: Path, tmp_path: Path) -> None:
    chain, alone = both(place, tmp_path)
    for argv in (("module", "list"), ("repoquery", "--available")):
        assert chain.ask(*argv) == alone.ask(*argv)
    assert "web 2 [d] common [d] web 2" in chain.ask("module", "list")
    for node in (chain, alone):
        node.install(["web", "db", "plain"])
    expected = {"web": "web 2", "db": "db 1", "plain": "in a module once"}
    assert {name: content for name, (_, content) in chain.installed().items()} == expected
    assert chain.installed() == alone.installed()


def test_another_stream_is_enabled_as_on_the_current_repo(place: Path, tmp_path: Path) -> None:
    chain, alone = both(place, tmp_path)
    for node in (chain, alone):
        node._dnf("module", "enable", "web:1", "db:2")
        node.install(["web", "db"])
    expected = {"web": ("1.0-2", "web 1, again"), "db": ("2.0-1", "db 2")}
    assert chain.installed() == alone.installed() == expected


@pytest.mark.usefixtures("readable_groups")
def test_a_chain_of_two_diffs_is_the_newest_release(place: Path, tmp_path: Path) -> None:
    """A group is changed again, and a default stream goes back to that of the first release."""
    says = {
        "group": comps({"core": ["tool"]}),
        "modules": BASE_SAYS["modules"] + stream("web", "2", "web-0:2.0-1.noarch"),
    }
    make_repo(tmp_path / "current", (*CURRENT, BASE[1]), says)
    build_diff(place / "diff", tmp_path / "current", tmp_path / "diff")
    repos = [tmp_path / "diff", place / "diff", place / "base"]
    chain = node_of(tmp_path / "chain", repos)
    alone = node_of(tmp_path / "alone", [tmp_path / "current"])
    for argv in (("group", "list", "--ids"), ("group", "info", "core")):
        assert chain.ask(*argv) == alone.ask(*argv) != []
    more = set(chain.ask("module", "list")) - set(alone.ask("module", "list"))
    assert more == {"db 2 common db 2"}  # dropped since: listed, but neither default nor visible
    assert chain.ask("repoquery", "--available") == alone.ask("repoquery", "--available")


def test_a_dropped_module_stays_listed_but_hides_nothing(tmp_path: Path) -> None:
    """A difference: dnf has no means to switch the modules of a repo off."""
    gone = stream("plain", "1", "plain-0:0.9-1.noarch") + default("plain", "1")
    base = {"modules": str(BASE_SAYS["modules"]) + gone}
    make_repo(tmp_path / "base", BASE, base)
    make_repo(tmp_path / "current", CURRENT, CURRENT_SAYS)
    build_diff(tmp_path / "base", tmp_path / "current", tmp_path / "diff")
    chain, alone = both(tmp_path, tmp_path)
    listed_too = set(chain.ask("module", "list")) - set(alone.ask("module", "list"))
    assert listed_too == {"plain 1 common plain 1"}
    assert chain.ask("repoquery", "--available") == alone.ask("repoquery", "--available")
    before = Asked(tmp_path / "before")
    before.apply(plain_sources(tmp_path / "base"))
    assert "plain-0:1.0-1.noarch" not in before._dnf("-q", "repoquery", "--available")
    assert "plain-0:1.0-1.noarch" in chain._dnf("-q", "repoquery", "--available")


def test_advisories_are_those_of_the_current_repo(place: Path, tmp_path: Path) -> None:
    chain, alone = both(place, tmp_path)
    for node, repos in ((chain, "chain"), (alone, "alone")):
        node.apply(plain_sources(place / "before"))
        node.install([recipe.name for recipe in NODE_HAS])
        node.apply(written(tmp_path / repos / "sources"))
    shown = chain.ask("updateinfo", "list", "--all")
    assert shown == alone.ask("updateinfo", "list", "--all")
    assert [line.split()[0] for line in shown] == ["NEW", "SAME", "WORDS"]
    assert chain.ask("updateinfo", "info", "NEW") == alone.ask("updateinfo", "info", "NEW")
    for node in (chain, alone):
        node._dnf("upgrade", "--advisory", "NEW")
    assert chain.installed() == alone.installed()
    assert chain.installed()["web"] == ("2.0-1", "web 2")


def test_a_withdrawn_advisory_of_the_base_remains_visible(tmp_path: Path) -> None:
    """A difference: dnf has no means to switch the advisories of a repo off."""
    says = updates(advisory("WITHDRAWN", "tool-1.0-1"))
    make_repo(tmp_path / "base", BASE, {"updateinfo": says})
    make_repo(tmp_path / "current", CURRENT, {})
    build_diff(tmp_path / "base", tmp_path / "current", tmp_path / "diff")
    make_yum_repo(tmp_path / "before", NODE_HAS)
    message = {}
    for name, node in zip(("chain", "alone"), both(tmp_path, tmp_path), strict=True):
        node.apply(plain_sources(tmp_path / "before"))
        node.install(["tool"])
        node.apply(written(tmp_path / name / "sources"))
        message[name] = node.ask("updateinfo", "list")
    assert message == {"chain": ["WITHDRAWN Low/Sec. tool-1.0-1.noarch"], "alone": []}


@pytest.mark.usefixtures("readable_groups")
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("checksum", ["sha256", "sha512"])
def test_dnf_reads_the_diff_repo_in_every_form(
    place: Path, tmp_path: Path, compression: str, checksum: str
) -> None:
    shutil.copytree(place / "current", tmp_path / "current")
    rewrite(tmp_path / "current", CURRENT_SAYS, compression=compression, checksum=checksum)
    build_diff(place / "base", tmp_path / "current", tmp_path / "diff")
    actual = listed(tmp_path / "diff")
    assert len(actual) == 6
    assert all(n.endswith(f".{compression}") and k == checksum for n, k in actual.values())
    node = node_of(tmp_path / "node", [tmp_path / "diff", place / "base"])
    assert "new (new)" in node.ask("group", "list", "--ids")
    assert "web 2 [d] common [d] web 2" in node.ask("module", "list")
    node.install(["web", "tool"])
    assert node.installed() == {"web": ("2.0-1", "web 2"), "tool": ("1.0-1", "tool")}


USER = "Test <test@example.org>"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigningKey]:
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback"]
    made = [*gpg, "--passphrase", "", "--quick-generate-key", USER, "rsa2048", "sign", "never"]
    subprocess.run(made, check=True, capture_output=True)
    export = [*gpg, "--armor", "--output", str(home / "key.asc"), "--export", USER]
    subprocess.run(export, check=True, capture_output=True)
    yield SigningKey(USER, home)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


@needs("gpg", "gpgconf")
def test_dnf_checks_the_signature_of_a_diff_repo(
    place: Path, key: SigningKey, tmp_path: Path
) -> None:
    out = tmp_path / "diff"
    described = build_diff(place / "base", place / "current", out, DiffOptions(key=key))
    assert described == build_diff(place / "base", place / "current", tmp_path / "unsigned")
    options = ("--gpgkey", f"file://{key.home}/key.asc")
    files = write_sources(tmp_path / "sources", [out, place / "base"], *options)
    (text,) = files.values()
    assert "repo_gpgcheck=1" in text
    node = Asked(tmp_path / "node")
    node.apply(files)
    assert "web-0:2.0-1.noarch" in node._dnf("-q", "repoquery", "--available")
    repomd = out / "repodata/repomd.xml"
    repomd.write_text(repomd.read_text().replace("</repomd>", "<!-- altered --></repomd>"))
    other = Asked(tmp_path / "other")
    with pytest.raises(Exception, match=r"(?i)gpg|signature"):
        other.apply(files)
