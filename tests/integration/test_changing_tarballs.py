"""A tarball that its owner swaps or changes while it is read is refused, or read as it was."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from fuel_upgrade.bundle.unpack_tarball import below, unpack
from fuel_upgrade.bundle.verify import read_head
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.repo.read_repo import Role, opened_repo
from tests.host import Host, make_host
from tests.hostile.raw_tar import PUPPET, Tarball, member, sealed

BIG = bytes(range(256)) * (1 << 14)  # 4 MiB, so that much is unread at the first progress
NAME = f"{PUPPET}/big"


@pytest.fixture
def tarball(tmp_path: Path) -> Path:
    path = tmp_path / "fuel.tar"
    whole = Tarball(behind_payload=member(NAME, BIG * 4), entries={NAME: sealed(BIG * 4)})
    path.write_bytes(whole.to_bytes())
    return path


def unpacked(tarball: Path, into: Path, during: Callable[[], object]) -> None:
    """Unpack it; ``during`` is called once, when a part of the long member is written."""
    left = [during]

    def progress(_work: str, done: int, total: int) -> None:
        if left and 0 < done < total and (into / NAME).exists():
            left.pop()()

    unpack(read_head(tarball), below(into), progress=progress)
    assert not left


def test_a_tarball_replaced_at_its_path_is_read_as_it_was(tarball: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"x" * 9999)
    unpacked(tarball, tmp_path / "into", lambda: other.replace(tarball))
    assert (tmp_path / "into" / NAME).read_bytes() == BIG * 4


def test_a_tarball_truncated_meanwhile_is_refused(tarball: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="still changing"):
        unpacked(tarball, tmp_path / "into", lambda: os.truncate(tarball, 1 << 20))


def rewrite(tarball: Path) -> None:
    """Write the same bytes again, as a copy to the same file does."""
    data = tarball.read_bytes()
    with tarball.open("r+b") as file:
        file.write(data)
        os.utime(file.fileno(), ns=(0, 0))


def test_a_tarball_rewritten_meanwhile_is_refused(tarball: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="changed while it was read"):
        unpacked(tarball, tmp_path / "into", lambda: rewrite(tarball))


def spoil(tarball: Path) -> None:
    """Change the end of the file, and put its time back."""
    info = tarball.stat()
    with tarball.open("r+b") as file:
        file.seek(-2048, os.SEEK_END)
        file.write(b"spoiled")
    os.utime(tarball, ns=(info.st_atime_ns, info.st_mtime_ns))


def test_other_bytes_are_refused_though_the_time_is_as_before(
    tarball: Path, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="but the seal says"):
        unpacked(tarball, tmp_path / "into", lambda: spoil(tarball))


def test_another_tarball_between_plan_and_unpacking_is_refused(
    tarball: Path, tmp_path: Path
) -> None:
    head = read_head(tarball)
    other = Tarball()
    other.head["upgrade.sh"] = b"#!/bin/sh\n# other\n"
    tarball.write_bytes(other.to_bytes())
    with pytest.raises(BundleError, match="changed since the tarball was opened"):
        unpack(head, below(tmp_path / "into"), progress=lambda *_: None)


def test_a_member_longer_than_sealed_is_refused_before_a_byte_of_it_is_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.tar"
    whole = Tarball(behind_payload=member(NAME, BIG), entries={NAME: sealed(BIG[:-1])})
    path.write_bytes(whole.to_bytes())
    with pytest.raises(BundleError, match=f"{len(BIG)} bytes, but the seal says {len(BIG) - 1}"):
        unpack(read_head(path), below(tmp_path / "into"), progress=lambda *_: None)
    assert not (tmp_path / "into" / NAME).exists()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    return make_host(tmp_path_factory.mktemp("feet"))


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


ODD: dict[str, Callable[[Path], object]] = {
    "pipe": make_pipe,
    "socket": make_socket,
    "folder": lambda path: path.mkdir(),
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "link to itself": lambda path: path.symlink_to(path),
    "link to a file": lambda path: path.symlink_to("/etc/passwd"),
}


@pytest.mark.parametrize("kind", ODD)
def test_only_a_regular_file_is_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "fuel.tar"
    ODD[kind](path)
    with pytest.raises(ConfigError, match="expected a regular file"):
        read_head(path)


@pytest.mark.parametrize(
    "path", ["/proc/kmsg", "/proc/self/mem", "/proc/self/maps", "/proc/kcore", "/dev/null"]
)
def test_files_of_the_kernel_end_at_once(tmp_path: Path, path: str) -> None:
    if not os.access(path, os.R_OK):
        pytest.skip(f"{path} cannot be read here")
    with pytest.raises((BundleError, ConfigError)):
        read_head(Path(path))
    with (
        pytest.raises((BundleError, ConfigError)),
        opened_repo(Path(path), Role.BASE, scratch=tmp_path),
    ):
        pass


def test_the_daemon_refuses_a_pipe_at_once(host: Host, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fuel.tar")
    with host.daemon():
        before = host.tree()
        for verb in ("plan", "install"):
            done = host.command(verb, tmp_path / "fuel.tar")
            assert done.returncode == 2
            assert "expected a regular file" in done.stderr
        assert host.tree() == before


def test_the_command_follows_a_link_for_the_daemon(host: Host, tmp_path: Path) -> None:
    (tmp_path / "real.tar").write_bytes(Tarball().to_bytes())
    (tmp_path / "link.tar").symlink_to("real.tar")
    with host.daemon():
        assert host.command("plan", tmp_path / "link.tar").returncode == 0


def test_an_install_of_another_repo_than_described_is_rolled_back(
    host: Host, tmp_path: Path
) -> None:
    lying = Tarball()
    upgrade = "upgrade/config/upgrade.yaml"
    lying.head[upgrade] = lying.head[upgrade].replace(b"precise", b"trusty")
    (tmp_path / "fuel.tar").write_bytes(lying.to_bytes())
    with host.daemon():
        before = host.tree()
        done = host.command("install", tmp_path / "fuel.tar")
        assert (done.returncode, host.tree()) == (3, before), done.stderr
        assert "no suite trusty" in done.stderr
