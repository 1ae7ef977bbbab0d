"""Beside an ordinary user who tries everything, no install and no rollback fails or waits.

``NEIGHBOUR_INSTALLS`` is the number of installs, each with its rollback.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fuel_upgrade.config import Config
from tests.crash.neighbours import Target, neighbour
from tests.host import Host, make_host
from tests.tools import needs, needs_root

pytestmark = [needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c"), needs_root()]
_SHORT = 3
_QUIET = 2
#: How much longer one may take, as the neighbour takes a part of the CPU; a lock would take 30 s.
_FACTOR, _ADDED_S = 3.0, 5.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users can enter, unlike ``tmp_path``, with one that they can write."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        shared = Path(made, "shared")
        shared.mkdir()
        shared.chmod(0o1777)
        yield Path(made)


def rounds(host: Host, tarball: Path, count: int) -> list[float]:
    """Install and undo; return the seconds of each."""
    seconds = []
    for _ in range(count):
        for argv in (("install", tarball), ("rollback",)):
            began = time.monotonic()
            host.json(*argv)
            seconds.append(time.monotonic() - began)
    return seconds


def test_an_ordinary_user_neither_stops_nor_delays_an_install(
    folder: Path, tarballs: dict[str, Path]
) -> None:
    count = int(os.environ.get("NEIGHBOUR_INSTALLS") or _SHORT)
    host = make_host(folder / "root")
    with host.daemon():
        host.json("install", tarballs["5.1"])
        quiet = rounds(host, tarballs["6.0"], _QUIET)
        before = host.tree()
        place = urlsplit(host.json("status")["control_plane"].rpartition(" ")[2])
        target = Target(Config().under(host.root).paths, place.port or 0, folder / "shared")
        with neighbour(target) as end:
            beside = rounds(host, tarballs["6.0"], count)
            tries = end()
        assert host.tree() == before
    report = {
        "installs": count,
        "quiet_max_s": round(max(quiet), 2),
        "beside_max_s": round(max(beside), 2),
        "tries": dict(tries),
    }
    sys.stdout.write(f"\n{json.dumps(report)}\n")
    assert tries["flock"] > 0
    assert not {name: n for name, n in tries.items() if name.endswith("!") and n}
    assert max(beside) < _FACTOR * max(quiet) + _ADDED_S
