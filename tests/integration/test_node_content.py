"""The content of the repos of a chain, read over HTTP and from disk."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.packages import Recipe, make_apt_repo, make_yum_repo
from demo.web import served
from fuel_upgrade.errors import BundleError, OutsideError
from fuel_upgrade.nodes.chain_content import fetch_content
from fuel_upgrade.nodes.repo_identity import fetch_identity
from fuel_upgrade.nodes.sources import NodeSource
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.sign import SigningKey, sign_apt
from fuel_upgrade.system import process
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("repos")
    base = [Recipe("keep", "1", "keep"), Recipe("up", "1", "up"), Recipe("gone", "1", "gone")]
    current = [Recipe("keep", "1", "keep"), Recipe("up", "2", "up 2")]
    for kind, make in (("apt", make_apt_repo), ("yum", make_yum_repo)):
        make(made / kind / "base", base)
        make(made / kind / "current", current)
        build_diff(made / kind / "base", made / kind / "current", made / kind / "diff")
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    with served(folder) as address:
        yield address


def source(url: str, kind: str) -> NodeSource:
    return NodeSource("r", url, "precise" if kind == "apt" else None, ("main",) * (kind == "apt"))


@pytest.mark.parametrize("kind", ["apt", "yum"])
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_diff_repo_has_own_and_inherited_packages(
    folder: Path, server: str, kind: str, scheme: str
) -> None:
    root = server if scheme == "http" else f"file://{folder}"
    content = fetch_content(source(f"{root}/{kind}/diff", kind), timeout_s=120)
    assert [p.name for p in content.packages] == ["up"]
    assert [p.name for p in content.inherited] == ["keep"]
    full = fetch_content(source(f"{root}/{kind}/current", kind), timeout_s=120)
    assert full.inherited == ()
    assert {p.identity("sha256") for p in content.release} == {
        p.identity("sha256") for p in full.release
    }


@pytest.mark.parametrize("kind", ["apt", "yum"])
def test_the_missing_file_of_a_repo_is_named(server: str, kind: str) -> None:
    with pytest.raises(OutsideError, match="it has no"):
        fetch_content(source(f"{server}/nothing", kind), timeout_s=120)


@pytest.fixture(scope="module")
def signed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed repo of two architectures, with ``Release``, ``Release.gpg`` and ``InRelease``."""
    recipes = [Recipe("both", "1", "both"), Recipe("old", "1", "old", architecture="i386")]
    root = make_apt_repo(folder / "signed", recipes, architectures=("amd64", "i386"))
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    gpg = ["gpg", "--batch", "--homedir", str(home), "--passphrase", ""]
    process.run([*gpg, "--quick-gen-key", "fuel@example.com", "ed25519"], timeout_s=60)
    sign_apt(root / "dists/precise", SigningKey("fuel@example.com", home))
    process.run(["gpgconf", "--homedir", str(home), "--kill", "all"], timeout_s=60)
    return root


@needs("gpg")
@pytest.mark.parametrize("left", [("InRelease",), ("Release", "Release.gpg"), ("Release",)])
def test_any_form_of_a_release_file_tells_every_index(
    signed: Path, server: str, left: tuple[str, ...]
) -> None:
    root = signed.with_name("with-" + "-".join(left))
    shutil.copytree(signed, root)
    for name in {"InRelease", "Release", "Release.gpg"} - set(left):
        (root / "dists/precise" / name).unlink()
    known = fetch_identity(source(f"{server}/{root.name}", "apt"), timeout_s=120)
    assert (known.label, known.signed) == ("Fuel", left != ("Release",))
    content = fetch_content(known, timeout_s=120)
    assert [(p.name, p.architecture) for p in content.packages] == [
        ("both", "all"),
        ("both", "all"),
        ("old", "i386"),
    ]


@needs("gpg")
def test_an_index_that_is_not_the_listed_one_is_refused(signed: Path, server: str) -> None:
    root = signed.with_name("altered")
    shutil.copytree(signed, root)
    for name in ("Release", "Release.gpg"):
        (root / "dists/precise" / name).unlink()
    for index in (root / "dists/precise/main/binary-amd64").glob("Packages.*"):
        index.write_bytes(index.read_bytes() + b"\n")
    with pytest.raises(BundleError, match="but Release says"):
        fetch_content(source(f"{server}/altered", "apt"), timeout_s=120)
