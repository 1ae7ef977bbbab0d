"""``make demo``: a release from build side to node, with real packages on a scratch master."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from demo.nodes import AptNode, DnfNode
from demo.releases import BASE_VERSION, CURRENT_VERSION, REMOVED, Fate, fates, write_inputs
from demo.story import Story
from demo.sweeper import await_sweeper
from demo.web import served
from fuel_upgrade.config import Config
from fuel_upgrade.errors import CommandError
from fuel_upgrade.system.tree_digest import digest

_STEP_FAILED = 5


def main() -> None:
    """Run the demo; end with an error if a result is not as expected."""
    with tempfile.TemporaryDirectory(prefix="fuel-demo-") as name:
        folder, root = Path(name), Path(name) / "master"
        folder.chmod(0o755)
        story = Story(root, folder)
        story.say(f"Everything happens below {folder}, which is removed at the end.")
        _build_side(story, folder)
        repos = root / "var/www/nailgun"
        repos.mkdir(parents=True)
        with served(repos) as address:
            _prepare_master(root, address.replace("127.0.0.1", "{MASTER_IP}"))
            daemon = story.start_daemon(root, folder / "daemon.log")
            try:
                _master_side(story)
                _node_side(story, folder)
                _failing_upgrade(story, root)
            finally:
                daemon.terminate()
                daemon.wait(timeout=30)
        story.say("\n[bold]That was the whole road.[/bold] docs/index.rst says where to read on.")


def _build_side(story: Story, folder: Path) -> None:
    story.chapter(
        "Build side: real packages",
        "A base release 5.1 and a current release 6.0, as .deb and .rpm. Some packages changed,"
        " one was rebuilt under the same version, one went down, one came, one went.",
    )
    write_inputs(folder)
    story.say(f"built {len(fates())} packages of 6.0 twice: as .deb and as .rpm")
    story.chapter(
        "Build side: only the changed packages",
        "Packages are compared by checksum, so the rebuilt one is carried although its version"
        " is the same.",
    )
    story.run("repo", "diff", "5.1/ubuntu", "6.0/ubuntu", "-o", "diff-ubuntu")
    story.chapter(
        "Build side: one file a release",
        "5.1 is shipped whole; 6.0 only as a diff of it. bundle.yaml names the parts.",
    )
    for version in ("5.1", "6.0"):
        story.run("bundle", "build", f"bundle-{version}.yaml", "-o", _tarball(version))
    story.run("bundle", "inspect", _tarball("6.0"))


def _master_side(story: Story) -> None:
    story.chapter(
        "Master: install 5.1, then 6.0",
        "A scratch master of Fuel 5.0 with the embedded release registry. Nothing live is"
        " touched before every byte of the tarball is verified.",
    )
    story.run("status")
    story.run("install", _tarball("5.1"))
    story.run("plan", _tarball("6.0"))
    story.run("install", _tarball("6.0"))
    story.say(
        f"\nEach release of {CURRENT_VERSION} has two repos: its own, which holds the diff, and"
        f" that of {BASE_VERSION}."
    )


def _node_side(story: Story, folder: Path) -> None:
    story.chapter(
        "Nodes: real apt-get and real dnf install from base + diff",
        "Two scratch roots get the package sources of the registered release and install every"
        " package of 6.0 over http.",
    )
    rows: list[list[str]] = []
    for system, node in (("ubuntu", AptNode(folder / "apt")), ("centos", DnfNode(folder / "dnf"))):
        sources = folder / f"sources-{system}"
        story.run("node", "sources", CURRENT_VERSION, "--os", system, "-o", str(sources))
        files = {
            str(path.relative_to(sources)): path.read_text()
            for path in sorted(sources.rglob("*"))
            if path.is_file()
        }
        node.apply(files)
        node.install([fate.name for fate in fates()])
        rows.extend(_installed_rows(story, system, node))
        with suppress(CommandError):
            node.install([REMOVED])
            story.fail(f"{system}: {REMOVED}, which the release removed, could be installed")
    story.say("\nWhat the nodes got, and from where:")
    story.table(("node", "package", "in 6.0 it was", "installed", "content", "from"), rows)
    story.say(
        f"\n{REMOVED}, which 6.0 removed, is still in the base repo; both nodes refused to install"
        " it, as they would with the one full repo."
    )


def _installed_rows(story: Story, system: str, node: AptNode | DnfNode) -> Iterator[list[str]]:
    actual = node.installed()
    for fate in fates():
        version, content = actual.get(fate.name, ("", ""))
        first_line = content.split("\n", 1)[0]
        if (version, first_line) != (fate.version, fate.content):
            story.fail(f"{system}: {fate.name} is {version} {first_line!r}, not {fate}")
        origin = _whose(node.origin(fate.name), fate, story)
        yield [system, fate.name, fate.what, version, first_line, origin]


def _whose(url: str, fate: Fate, story: Story) -> str:
    from_base = f"/{BASE_VERSION}/" in url
    if from_base != (fate.what == "unchanged"):
        story.fail(f"{fate.name} was {fate.what}, but came from {url}")
    return f"base repo {BASE_VERSION}" if from_base else f"diff repo {CURRENT_VERSION}"


def _failing_upgrade(story: Story, root: Path) -> None:
    story.chapter(
        "Master: an upgrade that fails is undone",
        "6.0.1 describes a network without a name. Only the registry can tell, in the middle of"
        " the install: repos are switched and one release is registered by then.",
    )
    story.run("bundle", "build", "bundle-6.0.1.yaml", "-o", _tarball("6.0.1"))
    # The daemon's own records change: journal, log and the registry's database.
    own = [root / "var/lib/fuel_upgrade", root / "var/log", root / "run"]
    await_sweeper(Config().under(root))
    before = digest(root, without=own)
    releases = story.run("releases")
    story.run("install", _tarball("6.0.1"), expect=_STEP_FAILED)
    await_sweeper(Config().under(root))
    after = digest(root, without=own)
    if story.run("releases") != releases or before != after:
        story.fail("the master is not as it was before")
    story.table(
        ("tree of the master", "SHA-256 over names, modes, owners, links and contents"),
        (("before", before), ("after the rollback", after)),
    )
    story.run("history")


def _tarball(version: str) -> str:
    return f"fuel-{version}-upgrade.tar.zst"


def _prepare_master(root: Path, repo_url: str) -> None:
    """Write the version file of a Fuel 5.0 master and our configuration."""
    version = root / "etc/fuel/5.0/version.yaml"
    version.parent.mkdir(parents=True)
    version.write_text('VERSION: {release: "5.0"}\n')
    (root / "etc/fuel/version.yaml").symlink_to("5.0/version.yaml")
    config = root / "etc/fuel-upgrade/config.yaml"
    config.parent.mkdir()
    config.write_text(f'master_ip: 127.0.0.1\nrepo_url: "{repo_url}"\nregistry: {{port: 0}}\n')


if __name__ == "__main__":
    main()
