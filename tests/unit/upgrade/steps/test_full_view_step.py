from pathlib import Path

from fuel_upgrade.upgrade.steps.full_view import BuildView
from fuel_upgrade.upgrade.steps.step import NoFacts, World


def test_an_undo_removes_a_view_that_a_kill_left_half_built_and_nothing_else(
    tmp_path: Path, world: World
) -> None:
    staged = tmp_path / "ubuntu/x86_64"
    for name in ("x86_64/dists", ".x86_64.k3a9zq0p/pool", "other/pool"):
        (staged.parent / name).mkdir(parents=True)
    step = BuildView((), staged)
    for _ in range(2):  # the second changes nothing
        step.revert(NoFacts(), world)
        assert [path.name for path in staged.parent.iterdir()] == ["other"]
