"""The installer of fuel-upgrade in a tarball: after the header, sealed, and not unpacked."""

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.bundle.installer import read_installer
from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.bundle.seal import SealedFiles
from fuel_upgrade.bundle.unpack_tarball import below, unpack
from fuel_upgrade.bundle.verify import BundleHead, read_head
from fuel_upgrade.config import Paths
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.plan.layout import Layout
from tests.builders import spec_of, write_installer, write_parts

PLACE = "upgrade/installer/fuel-upgrade-2.0-x86_64.run"


def tarball(folder: Path, *, installer: bool) -> Path:
    parts = folder / "parts"
    data = write_parts(parts)
    if installer:
        data["installer"] = "tool.run"
        write_installer(parts / "tool.run", does=f"# {'large ' * 1000}")
    out = folder / "fuel-6.0-upgrade.tar"
    build_bundle(spec_of(data, parts), out, progress=no_progress)
    return out


@pytest.fixture
def head(tmp_path: Path) -> BundleHead:
    return read_head(tarball(tmp_path, installer=True))


def test_the_installer_follows_the_header_and_is_sealed(tmp_path: Path) -> None:
    path = tarball(tmp_path, installer=True)
    with tarfile.open(path) as archive:
        names = archive.getnames()
        info = archive.getmember(PLACE)
        script = archive.extractfile("upgrade.sh")
        assert script is not None
        text = script.read().decode()
    assert names.index(PLACE) == [name.endswith("/diff.yaml") for name in names].index(True) + 2
    assert info.mode == 0o755
    assert f"installer={PLACE} " in text
    assert "carried=2.0 " in text
    assert read_head(path).sealed[PLACE].length_bytes == info.size


def test_a_tarball_without_one_says_so_and_has_no_trace_of_it(tmp_path: Path) -> None:
    path = tarball(tmp_path, installer=False)
    assert not [name for name in read_head(path).sealed if "installer" in name]
    assert read_head(path).to_json()["installer"] is None
    assert "installer" not in read_head(path).description.render()


def test_inspect_names_it_and_it_is_not_counted_as_unpacked(head: BundleHead) -> None:
    assert head.to_json()["installer"] == "fuel-upgrade-2.0-x86_64.run"
    others = [f.length_bytes for path, f in head.sealed.items() if path != PLACE]
    assert head.unpacked_bytes == sum(others)


def test_an_install_checks_it_and_writes_it_nowhere(head: BundleHead, tmp_path: Path) -> None:
    out = tmp_path / "out"
    reported: list[tuple[int, int]] = []
    unpack(
        head,
        lambda path: None if path == PLACE else (out, path),
        progress=lambda _what, done, total: reported.append((done, total)),
    )
    assert sum(p.is_file() for p in out.rglob("*")) == len(head.sealed) - 1
    assert not (out / PLACE).exists()
    assert all(done <= total for done, total in reported)


def test_an_altered_installer_is_refused(head: BundleHead, tmp_path: Path) -> None:
    data = head.path.read_bytes()
    assert data.count(b"exit 0\n") == 1
    head.path.write_bytes(data.replace(b"exit 0\n", b"exit 1\n"))
    with pytest.raises(BundleError, match=PLACE):
        unpack(head, below(tmp_path / "out"), progress=no_progress)


def test_the_installer_takes_no_space_on_the_master(head: BundleHead) -> None:
    files = {path: file for path, file in head.sealed.items() if path != PLACE}
    without = replace(head, sealed=SealedFiles.of(files))
    staged = [Layout(h, Paths(), "abc").staged_bytes(()) for h in (head, without)]
    assert staged[0] == staged[1]


def test_a_header_names_the_version(tmp_path: Path) -> None:
    actual = read_installer(write_installer(tmp_path / "any name", version="1.2rc1"))
    assert (actual.version, actual.name) == ("1.2rc1", "fuel-upgrade-1.2rc1-x86_64.run")


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\necho\n", b"\x7fELF"])
def test_another_file_than_an_installer_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "f").write_bytes(data)
    with pytest.raises(ConfigError, match="is no installer"):
        read_installer(tmp_path / "f")


def test_a_damaged_installer_is_refused(tmp_path: Path) -> None:
    path = write_installer(tmp_path / "f")
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(ConfigError, match="SHA-256"):
        read_installer(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        read_installer(tmp_path)
