"""The rig detects data lost for a missing fsync, and loses no synced data."""

import errno
from pathlib import Path

import pytest

from tests.crash.power.mounts import run_apart
from tests.crash.power.rig import CARELESS
from tests.tools import needs, needs_disks

pytestmark = [needs("unshare", "losetup", "mkfs.ext4", "mkfs.xfs", "fallocate"), needs_disks()]
CUTS = 16


def lost(work: Path, kind: str, *, careful: bool) -> dict[str, int]:
    actual = run_apart(
        "tests.crash.power.rig:cut_changes",
        timeout_s=120,
        work=str(work),
        kind=kind,
        careful=careful,
        cuts=CUTS,
        seed=1,
    )
    assert actual["cuts"] > 2 * len(CARELESS)
    counts: dict[str, int] = actual["lost"]
    return counts


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_what_is_not_synced_is_lost(tmp_path: Path, kind: str) -> None:
    """Otherwise data that the rig keeps would prove nothing."""
    assert lost(tmp_path, kind, careful=False).keys() == CARELESS.keys()


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_what_our_file_operations_have_done_outlives_every_cut(tmp_path: Path, kind: str) -> None:
    assert lost(tmp_path, kind, careful=True) == {}


def test_trees_that_were_to_go_together_do_not_look_whole_when_that_fails(tmp_path: Path) -> None:
    actual = run_apart("tests.crash.power.rig:cut_off_a_removal", timeout_s=30, work=str(tmp_path))
    assert actual == {"error": errno.EBUSY, "left": ["discarded-one", "discarded-two"], "later": []}
