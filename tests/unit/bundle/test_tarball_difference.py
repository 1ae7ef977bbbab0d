import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.bundle.tarball_difference import TarballDifference, compare_tarballs
from fuel_upgrade.system.progress import no_progress
from tests.builders import VERSION, make_tarball, spec_of, write, write_parts

Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tarball(tmp_path_factory.mktemp("one"))


def after(change: Change, tarball: Path, folder: Path) -> TarballDifference:
    """Compare the tarball with one of changed parts."""
    data = write_parts(folder / "parts")
    change(folder / "parts")
    out = folder / "fuel-6.0-upgrade.tar"
    build_bundle(spec_of(data, folder / "parts"), out, progress=no_progress)
    return compare_tarballs(tarball, out)


def test_a_copy_is_the_same_bytes(tarball: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(tarball, tmp_path))
    assert compare_tarballs(tarball, copy).same_bytes


def test_another_compression_is_the_same_content(tarball: Path, tmp_path: Path) -> None:
    compressed = make_tarball(tmp_path, "fuel-6.0-upgrade.tar.zst")
    found = compare_tarballs(tarball, compressed)
    assert (found.same_bytes, found.files) == (False, ())


@pytest.mark.parametrize(
    ("change", "kind", "path"),
    [
        (lambda parts: write(parts / "puppet/modules/new.pp", "x"), "only in B", "modules/new.pp"),
        (lambda parts: (parts / "puppet/modules/nova/run").unlink(), "only in A", "nova/run"),
        (lambda parts: (parts / "puppet/modules/nova/run").chmod(0o644), "mode", "nova/run"),
        (lambda parts: write(parts / "puppet/modules/nova/run", "y"), "content", "nova/run"),
    ],
)
def test_a_changed_file_is_named(
    change: Change, kind: str, path: str, tarball: Path, tmp_path: Path
) -> None:
    (file,) = after(change, tarball, tmp_path).files
    assert (file.kind, file.path.endswith(path)) == (kind, True)


def test_the_changed_lines_of_a_text_in_the_header_are_shown(tarball: Path, tmp_path: Path) -> None:
    text = 'VERSION: {release: "6.0", build_number: "8"}\n'
    found = after(lambda parts: write(parts / "version.yaml", text), tarball, tmp_path)
    paths = {file.path: file.lines for file in found.files}
    assert set(paths) == {
        "upgrade/config/version.yaml",
        f"upgrade/release_versions/{VERSION}.yaml",
    }
    assert f"+{text.strip()}" in paths["upgrade/config/version.yaml"]
