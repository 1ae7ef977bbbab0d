"""Volumes of tarballs on media that lose and damage them, with the real par2."""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest

from fuel_upgrade.bundle.media.join_volumes import Request, Restored, answer, restore
from fuel_upgrade.bundle.media.split_tarball import split_tarball
from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.progress import no_progress
from tests.builders import make_tarball, spec_of, write, write_parts
from tests.host import BIN
from tests.tools import needs

MIB = 1 << 20
PER_VOLUME = 2 * MIB + 8192
LARGE_BYTES = 23 * MIB


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tarball of 12 volumes, of a file that no compression shortens."""
    folder = tmp_path_factory.mktemp("tarball")
    data = write_parts(folder)
    noise = random.Random(1).randbytes(LARGE_BYTES)
    write(folder / "puppet/modules/large", noise)
    out = folder / "fuel-6.0-upgrade.tar"
    build_bundle(spec_of(data, folder), out, progress=no_progress)
    return out


@pytest.fixture(scope="module")
def volumes(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    folder = tmp_path_factory.mktemp("volumes") / "v"
    return split_tarball(tarball, folder, PER_VOLUME, 25, progress=no_progress)


@pytest.fixture
def media(volumes: tuple[Path, ...], tmp_path: Path) -> list[Path]:
    """Copies of all volumes, and of the recovery volumes, in random order."""
    folder = tmp_path / "media"
    folder.mkdir()
    paths = [folder / path.name for path in volumes]
    for path, source in zip(paths, volumes, strict=True):
        path.write_bytes(source.read_bytes())
    random.Random(2).shuffle(paths)
    return paths


def data_of(paths: list[Path]) -> list[Path]:
    return sorted(path for path in paths if path.suffix != ".par2")


def joined(paths: list[Path], out: Path) -> Restored:
    return restore(paths, out, progress=no_progress)


def zero(path: Path, start: int, size_bytes: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(bytes(size_bytes))


def test_volumes_are_joined_in_any_order(media: list[Path], tarball: Path, tmp_path: Path) -> None:
    data = data_of(media)
    assert len(data) == 12
    assert all(path.stat().st_size <= PER_VOLUME for path in data)
    random.Random(3).shuffle(data)
    assert joined(data, tmp_path / "out.tar") == Restored(None, ())
    assert hash_file(tmp_path / "out.tar") == hash_file(tarball)


@needs("par2")
def test_two_lost_volumes_and_damage_in_all_others_are_restored(
    media: list[Path], tarball: Path, tmp_path: Path
) -> None:
    lost = data_of(media)[3], data_of(media)[7]
    draw = random.Random(4)
    rest = [path for path in media if path not in lost]
    for path in data_of(rest):
        path.chmod(0o644)
        size_bytes = path.stat().st_size
        zero(path, draw.randrange(size_bytes * 98 // 100), size_bytes // 100)
        path.chmod(0o444)
    before = {path: hash_file(path) for path in rest}
    result = joined(rest, tmp_path / "out.tar")
    assert result.request is None
    assert len(result.faults) == 10
    assert hash_file(tmp_path / "out.tar") == hash_file(tarball)
    assert {path: hash_file(path) for path in rest} == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@needs("par2")
def test_more_than_can_be_restored_is_named_and_its_answer_heals_it(
    media: list[Path], tarball: Path, tmp_path: Path
) -> None:
    lost = data_of(media)[2:8]
    rest = [path for path in media if path not in lost]
    request = joined(rest, tmp_path / "out.tar").request
    assert request is not None
    assert not (tmp_path / "out.tar").exists()
    blocks = PER_VOLUME // (1 << 18)  # of a volume
    assert request.blocks == ((2 * blocks, 6 * blocks),)
    text = json.dumps(request.to_json())
    assert Request.parse(text, source="request") == request
    answer(request, tarball, tmp_path / "answer", progress=no_progress)
    size_bytes = (tmp_path / "answer").stat().st_size
    assert size_bytes < 6 * PER_VOLUME
    assert joined([*rest, tmp_path / "answer"], tmp_path / "out.tar").request is None
    assert hash_file(tmp_path / "out.tar") == hash_file(tarball)


def test_damaged_blocks_are_named_and_an_answer_has_only_these(
    media: list[Path], tarball: Path, tmp_path: Path
) -> None:
    data = data_of(media)
    zero(data[0], data[0].stat().st_size - 10, 10)
    zero(data[5], data[5].stat().st_size - 10, 10)
    result = joined(data, tmp_path / "out.tar")
    assert result.request is not None
    assert sum(count for _, count in result.request.blocks) == 2
    assert sorted(fault.partition(":")[0] for fault in result.faults) == [
        str(data[0]),
        str(data[5]),
    ]
    answer(result.request, tarball, tmp_path / "answer", progress=no_progress)
    assert (tmp_path / "answer").stat().st_size < 2 * (1 << 18) + 8192
    joined([*data, tmp_path / "answer"], tmp_path / "out.tar")
    assert hash_file(tmp_path / "out.tar") == hash_file(tarball)


def test_a_volume_with_a_damaged_head_is_as_lost(media: list[Path], tmp_path: Path) -> None:
    data = data_of(media)
    for start in (0, 30, 500):
        zero(data[1], start, 5)
        result = joined(data, tmp_path / "out.tar")
        assert result.request is not None
        assert str(data[1]) in result.faults[0]


def test_volumes_of_two_tarballs_are_refused(media: list[Path], tmp_path: Path) -> None:
    other = make_tarball(tmp_path / "other")
    others = split_tarball(other, tmp_path / "w", PER_VOLUME, 0, progress=no_progress)
    with pytest.raises(BundleError, match="another tarball"):
        joined([*data_of(media), *others], tmp_path / "out.tar")


def test_the_answer_to_a_request_needs_the_same_tarball(media: list[Path], tmp_path: Path) -> None:
    request = joined(data_of(media)[1:], tmp_path / "out.tar").request
    assert request is not None
    other = make_tarball(tmp_path / "other")
    with pytest.raises(BundleError, match="not the tarball of the request"):
        answer(request, other, tmp_path / "answer", progress=no_progress)


def test_nothing_that_is_no_volume_is_joined(tmp_path: Path) -> None:
    write(tmp_path / "text", "no volume")
    with pytest.raises(BundleError, match="no volume of a tarball"):
        joined([tmp_path / "text"], tmp_path / "out.tar")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BundleError, match="no volume of a tarball"):
        joined([tmp_path / "pipe"], tmp_path / "out.tar")


@pytest.mark.parametrize("volume_bytes", [1, 1000, 1 << 18])
def test_volumes_that_are_too_small_are_refused(
    volume_bytes: int, tarball: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="needs at least"):
        split_tarball(tarball, tmp_path / "v", volume_bytes, 0, progress=no_progress)
    assert not list(tmp_path.iterdir())


def test_the_same_tarball_gives_the_same_volumes(
    volumes: tuple[Path, ...], tarball: Path, tmp_path: Path
) -> None:
    again = split_tarball(tarball, tmp_path / "v", PER_VOLUME, 25, progress=no_progress)
    assert [hash_file(path) for path in again] == [hash_file(path) for path in volumes]


@needs("par2")
def test_the_commands_split_join_and_answer(tarball: Path, tmp_path: Path) -> None:
    def run(*argv: str | Path, code: int = 0) -> dict[str, object]:
        done = subprocess.run(
            [BIN / "fuel-upgrade", "bundle", *argv, "--json"],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return dict(json.loads(done.stdout or done.stderr))

    made = run("split", tarball, "-o", "v", "--volume-size", "9M", "--recovery", "5%")
    names = made["volumes"]
    assert isinstance(names, list)
    assert sum(name.endswith(".par2") for name in names) >= 2
    (tmp_path / "v" / f"{tarball.name}.002").unlink()
    run("join", "v", "-o", "out.tar", "--request", "request.yaml", code=3)
    run("answer", "request.yaml", tarball, "-o", "answer")
    run("join", "answer", "v", "-o", "out.tar")
    assert hash_file(tmp_path / "out.tar") == hash_file(tarball)
