"""Signed diff repos, judged by the real gpg and apt; inputs that have only InRelease."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.nodes import AptNode
from demo.packages import Recipe, make_apt_repo
from fuel_upgrade.errors import CommandError
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.read_repo import read_repo
from fuel_upgrade.repo.sign import SigningKey, sign_apt
from tests.builders import Fake, apt_repo, yum_repo
from tests.tools import needs

USER = "Test <test@example.org>"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigningKey]:
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback"]
    made = [*gpg, "--passphrase", "", "--quick-generate-key", USER, "ed25519", "sign", "never"]
    subprocess.run(made, check=True, capture_output=True)
    yield SigningKey(USER, home)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def exported(key: SigningKey, to: Path) -> Path:
    argv = ["gpg", "--homedir", str(key.home), "--batch", "--output", str(to), "--export", USER]
    subprocess.run(argv, check=True, capture_output=True)
    return to


@needs("gpg", "gpgconf", "apt-get", "apt-cache", "apt-ftparchive", "dpkg-deb")
def test_apt_accepts_the_signature_and_refuses_another(key: SigningKey, tmp_path: Path) -> None:
    make_apt_repo(tmp_path / "base", [Recipe("a", "1.0-1", "a")])
    make_apt_repo(tmp_path / "current", [Recipe("a", "1.0-1", "b")])
    out = tmp_path / "out"
    build_diff(tmp_path / "base", tmp_path / "current", out, DiffOptions(key=key))
    ring = exported(key, tmp_path / "key.gpg")
    ring.chmod(0o644)
    node = AptNode(tmp_path / "node")
    line = f"deb [signed-by={ring}] file://{out} precise main\n"
    node.apply({"etc/apt/sources.list": line})
    assert "Candidate: 1.0-1\n" in node.policy("a")
    signed = out / "dists/precise/InRelease"
    signed.write_text(signed.read_text().replace("Origin: ", "Origin: other "))
    with pytest.raises(Exception, match="apt-get"):
        AptNode(tmp_path / "other").apply({"etc/apt/sources.list": line})


@needs("gpg", "gpgconf")
def test_a_repo_with_only_inrelease_is_read(key: SigningKey, tmp_path: Path) -> None:
    root = apt_repo(tmp_path / "a", [Fake("a")])
    before = read_repo(root)
    sign_apt(root / "dists/precise", key)
    for name in ("Release", "Release.gpg"):
        (root / "dists/precise" / name).unlink()
    assert read_repo(root) == before


@needs("gpg", "gpgconf")
def test_yum_metadata_is_signed(key: SigningKey, tmp_path: Path) -> None:
    base, current = yum_repo(tmp_path / "a", []), yum_repo(tmp_path / "b", [Fake("a")])
    build_diff(base, current, tmp_path / "out", DiffOptions(key=key))
    folder = tmp_path / "out/repodata"
    argv = ["gpg", "--homedir", str(key.home), "--batch", "--verify"]
    subprocess.run([*argv, folder / "repomd.xml.asc", folder / "repomd.xml"], check=True)


@needs("gpg", "gpgconf")
def test_a_missing_key_leaves_no_output(key: SigningKey, tmp_path: Path) -> None:
    base, current = apt_repo(tmp_path / "a", []), apt_repo(tmp_path / "b", [Fake("a")])
    nobody = SigningKey("nobody@example.org", key.home)
    with pytest.raises(CommandError, match="gpg") as caught:
        build_diff(base, current, tmp_path / "out", DiffOptions(key=nobody))
    assert caught.value.remedy == (
        f"check that gpg can sign with this key: gpg --homedir {key.home}"
        " --list-secret-keys nobody@example.org"
    )
    assert not (tmp_path / "out").exists()
