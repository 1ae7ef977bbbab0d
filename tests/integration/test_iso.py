"""ISO images of tarballs by the real xorriso, read by the kernel and by the real daemon."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade.bundle.media.iso_file import build_iso
from fuel_upgrade.bundle.verify import read_head
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.iso_image import SECTOR_BYTES
from fuel_upgrade.system.progress import no_progress
from tests.host import Host
from tests.tools import needs

pytestmark = needs("xorriso", "dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


@pytest.fixture(scope="module")
def image(tarballs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("iso") / "fuel-5.1-upgrade.iso"
    build_iso(tarballs["5.1"], out, progress=no_progress)
    return out


@pytest.fixture
def folder(image: Path, tmp_path: Path) -> Iterator[Path]:
    """The content of the image: mounted where the kernel knows the format, else extracted."""
    out = tmp_path / "mnt"
    out.mkdir()
    is_known = "iso9660" in Path("/proc/filesystems").read_text()
    mount = ["mount", "-o", "loop,ro", str(image), str(out)]
    if os.geteuid() == 0 and is_known and subprocess.run(mount, check=False).returncode == 0:
        yield out
        subprocess.run(["umount", str(out)], check=True)
        return
    extract = ["xorriso", "-osirrox", "on", "-indev", f"stdio:{image}", "-extract", "/", str(out)]
    subprocess.run(extract, check=True, capture_output=True)
    yield out


def test_other_readers_find_the_tarball_and_its_script(
    folder: Path, tarballs: dict[str, Path]
) -> None:
    assert hash_file(folder / tarballs["5.1"].name) == hash_file(tarballs["5.1"])
    script = folder / "upgrade.sh"
    assert os.access(script, os.X_OK)
    usage = subprocess.check_output([str(script), "--help"], text=True)
    assert tarballs["5.1"].name.removesuffix(".tar.zst") in usage


def test_a_mounted_image_is_installed(folder: Path, host: Host) -> None:
    with host.daemon():
        assert host.json("install", folder)["installs"][0]["state"] == "installed"


def test_an_image_is_inspected_planned_installed_and_undone(
    image: Path, host: Host, tarballs: dict[str, Path]
) -> None:
    with host.daemon():
        before = host.tree()
        assert (
            host.json("bundle", "inspect", image)["seal_sha256"]
            == read_head(tarballs["5.1"]).seal_sha256
        )
        plan = host.json("plan", image)
        install = host.json("install", image)
        assert install["state"] == "installed"
        assert len(host.json("show", install["id"])["steps"]) == len(plan["steps"])
        assert host.json("rollback")["state"] == "undone"
        assert host.tree() == before


def test_the_releases_of_an_image_are_those_of_its_tarball(
    image: Path, host: Host, tarballs: dict[str, Path]
) -> None:
    done = host.command("releases", "diff", image, tarballs["5.1"])
    assert done.returncode == 0, done.stdout + done.stderr


def test_images_in_a_folder_are_installed_in_order(
    image: Path, host: Host, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "media"
    folder.mkdir()
    shutil.copy(image, folder / "b.iso")
    build_iso(tarballs["6.0"], folder / "a.iso", progress=no_progress)
    with host.daemon():
        done = host.command("install", folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert host.json("status")["fuel_version"] == "6.0"


def test_the_same_tarball_gives_the_same_bytes(
    image: Path, tarballs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "another name.tar.zst"
    shutil.copy(tarballs["5.1"], copy)
    os.utime(copy, (1, 1))
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    before = os.umask(0o077)
    try:
        build_iso(copy, tmp_path / "again.iso", progress=no_progress)
    finally:
        os.umask(before)
    assert hash_file(tmp_path / "again.iso") == hash_file(image)


def xorriso(out: Path, *files: Path) -> Path:
    argv = ["xorriso", "-as", "mkisofs", "-quiet", "-r", "-o", str(out), *map(str, files)]
    subprocess.run(argv, check=True, capture_output=True)
    return out


def test_an_image_without_exactly_one_tarball_is_refused(
    tarballs: dict[str, Path], tmp_path: Path
) -> None:
    note = tmp_path / "README"
    note.write_text("text")
    for files in ([note], [tarballs["5.1"], tarballs["6.0"]]):
        with pytest.raises(BundleError, match="expected one tarball"):
            read_head(xorriso(tmp_path / f"{len(files)}.iso", *files))


def test_a_truncated_image_is_refused(image: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.iso"
    part.write_bytes(image.read_bytes()[: 100 * SECTOR_BYTES])
    with pytest.raises(BundleError, match="cut short"):
        read_head(part)


def test_bad_names_and_existing_files_are_refused(
    image: Path, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    for tarball, out in (
        (tarballs["5.1"], tmp_path / "x.img"),
        (image, tmp_path / "x.iso"),
        (tarballs["5.1"], image),
    ):
        with pytest.raises(ConfigError):
            build_iso(tarball, out, progress=no_progress)
