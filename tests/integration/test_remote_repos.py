"""Diffs of repos on a real nginx, whose connections break at random."""

import json
import os
import random
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from demo.packages import Recipe, make_apt_repo, make_yum_repo
from fuel_upgrade.system.tree_digest import describe
from tests.host import BIN
from tests.programs import TIMEOUT_S
from tests.tools import needs
from tests.venv_wheels import RepoServer, serving_repo

pytestmark = needs("nginx", "dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c", "gpg", "gpgv")

NOISE = {name: random.Random(name).randbytes(200_000).hex() for name in "abc"}
BASE = [Recipe("same", "1.0-1", NOISE["a"]), Recipe("changed", "1.0-1", "one")]
CURRENT = [
    Recipe("same", "1.0-1", NOISE["a"]),
    Recipe("changed", "1.0-1", NOISE["b"]),
    Recipe("new", "1.0-1", NOISE["c"]),
]
SUITES = ("--suite", "precise", "--base-suite", "precise")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mirror")
    for name, recipes in (("5.1", BASE), ("6.0", CURRENT)):
        make_apt_repo(root / name / "ubuntu", recipes)
        make_yum_repo(root / name / "centos", recipes)
    return root


@pytest.fixture
def server(root: Path, tmp_path: Path) -> Iterator[RepoServer]:
    with serving_repo(tmp_path / "nginx", root) as server:
        yield server


def content(folder: Path) -> dict[str, str]:
    return describe(folder, times=False)


def diff(folder: Path, *argv: str | Path, code: int = 0) -> dict[str, object]:
    done = subprocess.run(
        [BIN / "fuel-upgrade", "repo", "diff", *argv, "--json", "--cache", folder / "cache"],
        capture_output=True, text=True, check=False, timeout=TIMEOUT_S, cwd=folder,
        env={**os.environ, "no_proxy": "*"},
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return dict(json.loads(done.stdout or done.stderr))


@contextmanager
def dropping(port: int, *, most_bytes: int) -> Iterator[int]:
    """Forward connections to a port; each ends after a random number of bytes of the answer."""
    draw = random.Random(5)
    listener = socket.create_server(("127.0.0.1", 0))

    def forward(client: socket.socket) -> None:
        left = draw.randrange(200, most_bytes)
        with client, socket.create_connection(("127.0.0.1", port)) as server, suppress(OSError):
            threading.Thread(target=_copy, args=(client, server), daemon=True).start()
            while left > 0 and (data := server.recv(min(4096, left))):
                client.sendall(data)
                left -= len(data)
            client.shutdown(socket.SHUT_RDWR)  # closing alone does not: the other thread reads

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=forward, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(4096):
            target.sendall(data)


@pytest.mark.parametrize(("system", "suites"), [("ubuntu", SUITES), ("centos", ())])
def test_urls_give_the_diff_of_the_folders_and_fetch_only_changed_packages(
    system: str, suites: tuple[str, ...], root: Path, server: RepoServer, tmp_path: Path
) -> None:
    urls = [f"{server.url}/{version}/{system}" for version in ("5.1", "6.0")]
    folders = [root / version / system for version in ("5.1", "6.0")]
    diff(tmp_path, *urls, "-o", "remote", *suites)
    diff(tmp_path, *folders, "-o", "local")
    assert content(tmp_path / "remote") == content(tmp_path / "local")
    fetched = [path for _, path, _, _ in server.sent() if path.endswith((".deb", ".rpm"))]
    assert sorted(Path(path).name.partition("-")[0].partition("_")[0] for path in fetched) == [
        "changed",
        "new",
    ]


@pytest.mark.parametrize(("system", "suites"), [("ubuntu", SUITES), ("centos", ())])
def test_broken_connections_cost_no_byte_twice(
    system: str, suites: tuple[str, ...], root: Path, server: RepoServer, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    urls = [f"{server.url}/{version}/{system}" for version in ("5.1", "6.0")]
    diff(whole, *urls, "-o", "diff", *suites)
    needed = sum(size for *_, size in server.sent())
    with dropping(int(server.url.rpartition(":")[2]), most_bytes=120_000) as port:
        urls = [f"http://127.0.0.1:{port}/{version}/{system}" for version in ("5.1", "6.0")]
        diff(tmp_path, *urls, "-o", "diff", *suites)
    assert content(tmp_path / "diff") == content(whole / "diff")
    statuses = {status for _, _, status, _ in server.sent()}
    assert "206" in statuses
    bodies = sum(size for *_, size in server.sent()) / 2 - needed
    assert bodies > 0


def test_a_second_diff_fetches_no_package(root: Path, server: RepoServer, tmp_path: Path) -> None:
    urls = [f"{server.url}/{version}/ubuntu" for version in ("5.1", "6.0")]
    diff(tmp_path, *urls, "-o", "one", *SUITES)
    before = len(server.sent())
    diff(tmp_path, *urls, "-o", "two", *SUITES)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert not [path for _, path, _, _ in server.sent()[before:] if path.endswith(".deb")]


def test_a_package_that_differs_from_its_index_is_refused(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "root"
    shutil.copytree(root, copy)
    package = next(copy.glob("6.0/ubuntu/pool/**/new_*.deb"))
    data = bytearray(package.read_bytes())
    data[-1] ^= 1
    package.write_bytes(data)
    with serving_repo(tmp_path / "nginx", copy) as server:
        urls = [f"{server.url}/{version}/ubuntu" for version in ("5.1", "6.0")]
        diff(tmp_path, *urls, "-o", "diff", *SUITES, code=7)
    assert not (tmp_path / "diff").exists()


@pytest.mark.parametrize(("system", "suites"), [("ubuntu", SUITES), ("centos", ())])
def test_a_keyring_demands_a_good_signature(
    system: str, suites: tuple[str, ...], root: Path, tmp_path: Path
) -> None:
    copy, home = tmp_path / "root", tmp_path / "gpg"
    shutil.copytree(root, copy)
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--yes", "--passphrase", ""]
    subprocess.run([*gpg, "--quick-gen-key", "owner@example.org"], check=True, capture_output=True)
    keyring = tmp_path / "keys.gpg"
    subprocess.run([*gpg, "-o", str(keyring), "--export"], check=True, capture_output=True)
    with serving_repo(tmp_path / "nginx", copy) as server:
        urls = [f"{server.url}/{version}/{system}" for version in ("5.1", "6.0")]
        options = (*suites, "--keyring", str(keyring))
        assert "signature" in str(diff(tmp_path, *urls, "-o", "diff", *options, code=3))
        for version in ("5.1", "6.0"):
            folder = copy / version / system
            index = next(folder.glob("dists/*/Release"), folder / "repodata/repomd.xml")
            target = {"Release": "Release.gpg"}.get(index.name, "repomd.xml.asc")
            signed = [*gpg, "--armor", "-o", str(index.with_name(target)), "--detach-sign"]
            subprocess.run([*signed, str(index)], check=True, capture_output=True)
        diff(tmp_path, *urls, "-o", "diff", *options)
        index.write_bytes(index.read_bytes() + b"\n")
        assert "signature" in str(diff(tmp_path, *urls, "-o", "again", *options, code=3))


def test_an_apt_url_needs_its_suite(server: RepoServer, tmp_path: Path) -> None:
    urls = [f"{server.url}/{version}/ubuntu" for version in ("5.1", "6.0")]
    assert "--suite" in str(diff(tmp_path, *urls, "-o", "diff", code=2))
    assert "InRelease" in str(
        diff(tmp_path, *urls, "-o", "d", "--suite", "x", "--base-suite", "x", code=2)
    )
