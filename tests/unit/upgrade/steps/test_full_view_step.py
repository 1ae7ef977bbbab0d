from pathlib import Path

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.steps.full_view import BuildView
from fuel_upgrade.upgrade.steps.step import NoFacts, World


def test_an_undo_removes_what_a_kill_left_half_built_and_nothing_else(tmp_path: Path) -> None:
    staged = tmp_path / "ubuntu/x86_64"
    for name in ("x86_64/dists", ".x86_64.k3a9zq0p/pool", "other/pool"):
        (staged.parent / name).mkdir(parents=True)
    with NailgunClient(NailgunSettings(url="http://127.0.0.1:9")) as control:
        step, world = BuildView((), staged), World(control, no_progress)
        for _ in range(2):  # the second changes nothing
            step.revert(NoFacts(), world)
            assert [path.name for path in staged.parent.iterdir()] == ["other"]
