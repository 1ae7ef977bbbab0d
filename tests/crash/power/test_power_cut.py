"""The power goes amid an install, its undo, or in between: *before* or *after*, never between.

``POWER_CUTS`` sets how many cuts there are for each file system, ``POWER_SEED`` which.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.crash.power.mounts import run_apart
from tests.tools import needs, needs_disks

pytestmark = [
    needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c"),
    needs("unshare", "losetup", "mkfs.ext4", "mkfs.xfs", "fallocate"),
    needs_disks(),
]
FEW = 4
ENOUGH = 20  # cuts that reach every end of an install and its undo, whatever the seed is
CUTS = int(os.environ.get("POWER_CUTS", FEW))
SEED = int(os.environ.get("POWER_SEED", "1"))
ALL = [
    (kind, layout, noise)
    for kind in ("ext4", "xfs")
    for layout in ("one disk", "a disk for the state")
    for noise in (False, True)
]
CASES = ALL if CUTS > FEW else [ALL[3], ALL[4]]
_SHARE = -(-CUTS * 2 // len(CASES))  # cuts in a case, so that each file system has CUTS


@pytest.mark.parametrize(("kind", "layout", "noise"), CASES)
def test_a_power_cut_leaves_before_or_after(
    tarballs: dict[str, Path],
    tmp_path: Path,
    kind: str,
    layout: str,
    noise: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    actual: dict[str, Any] = run_apart(
        "tests.crash.power.story:cut_an_install",
        timeout_s=120 + 10 * _SHARE,
        work=str(tmp_path),
        disks={"kind": kind, "layout": layout, "noise": noise},
        tarballs=[str(tarballs["5.1"]), str(tarballs["6.0"])],
        full_view=not noise,  # its sync would hide the effect of the noise
        cuts=_SHARE,
        seed=SEED,
    )
    faults = actual.pop("faults")
    print(f"\n{kind}, {layout}, {'noise' if noise else 'no noise'}, seed {SEED}: {actual}")  # noqa: T201
    assert not faults, "\n".join([f"{len(faults)} of {actual['cuts']} cuts:", *faults])
    assert actual["cuts"] == _SHARE
    if _SHARE >= ENOUGH:
        assert actual["ends"].keys() == {"not begun", "rolled back", "installed", "undone"}
