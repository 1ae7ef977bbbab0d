"""A deployment on a disk that gets full leaves the old venv; with free space the next run works.

With ``VENV_KILLS`` in the environment at each level of free space, else at some.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.crash.disks import Disk, disk, needs_mounts
from tests.crash.venv_host import VenvHost, venv_host
from tests.tools import needs

pytestmark = [needs("uv", "git", "nginx"), needs_mounts()]
_SIZE = 16 << 20
_STEP = 64 << 10
_PAGE = 4 << 10


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with disk(tmp_path_factory.mktemp("disk"), size_bytes=_SIZE) as place:
        yield place


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, place: Disk) -> Iterator[VenvHost]:
    with venv_host(tmp_path_factory.mktemp("repos"), place.place / "venvs") as host:
        yield host


def needed_bytes(host: VenvHost) -> tuple[int, int]:
    """Return the bytes of the archive of 2.0 and of its files; publish that it has no files.

    The check of the free space would refuse all levels otherwise.
    """
    (file,) = (host.folder / "repo-2.0/venvs/1").glob("*-*/api-1.json")
    entry = json.loads(file.read_text())
    unpacked = entry["unpacked_bytes"]
    file.resolve().write_text(json.dumps({**entry, "unpacked_bytes": 0}))
    return entry["archive"]["size_bytes"], unpacked


def heals(host: VenvHost) -> None:
    """Deploy 2.0 with free space, then 1.0 again."""
    for number in ("2.0", "1.0"):
        assert host.deploy(host.versions[number]) == 0
        assert host.active() == number
        assert list(host.faults()) == []


def test_at_any_level_of_free_space_the_old_venv_runs(place: Disk, host: VenvHost) -> None:
    archive, unpacked = needed_bytes(host)
    whole = archive + unpacked
    levels = [0, archive + unpacked // 2]
    if os.environ.get("VENV_KILLS"):
        levels += [*range(_STEP, whole, _STEP), *range(whole, whole + 40 * _PAGE, _PAGE)]
    failures = 0
    for free in levels:
        host.remove_tree("2.0")
        place.fill(free)
        code = host.deploy(host.versions["2.0"])
        assert host.active() == ("1.0" if code else "2.0"), free
        assert host.damage() == []
        failures += code == 4
        place.make_room()
        heals(host)

    assert failures >= 2


def test_a_disk_that_gets_full_amid_a_download(place: Disk, host: VenvHost) -> None:
    archive, _ = needed_bytes(host)
    host.remove_tree("2.0")

    def fill_up() -> None:
        while not list(host.store.glob("*.part")):
            time.sleep(0.001)
        while place.free_bytes:
            with suppress(OSError):  # the deployer wrote meanwhile
                place.fill(0)

    thread = threading.Thread(target=fill_up)
    thread.start()
    process = host.start(host.versions["2.0"], "--rate", str(archive // 4))
    output, _ = process.communicate()
    thread.join()

    assert process.returncode == 4
    assert "space" in json.loads(output)["remedy"]
    assert host.active() == "1.0"
    place.make_room()
    heals(host)
