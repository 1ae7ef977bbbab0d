"""The staging and live paths of each part of a tarball, and the size of each folder."""

from pathlib import Path

import pytest

from fuel_upgrade.upgrade.plan.layout import STAGING, Layout
from fuel_upgrade.upgrade.plan.plan import as_records
from tests.builders import BASE_VERSION, VERSION
from tests.plan_inputs import PATHS, bundle_head, head_with_venvs, repo_part

DIFF = repo_part(VERSION, BASE_VERSION)
HEAD = bundle_head()
LAYOUT = Layout(HEAD, PATHS, "ab12cd34")
BLOCK = 4096


def test_each_part_is_staged_on_the_file_system_of_its_destination() -> None:
    for part, live in [
        ("upgrade/repos/", PATHS.repos),
        ("upgrade/puppet/", PATHS.puppet),
        ("upgrade/release_versions/", PATHS.fuel),
        ("upgrade/config/", PATHS.fuel),
        ("", PATHS.state),
    ]:
        assert LAYOUT.stagings[part].is_relative_to(live)
        assert any(LAYOUT.stagings[part].is_relative_to(root) for root in LAYOUT.roots)


def test_roots_are_named_by_the_install() -> None:
    assert {root.name for root in LAYOUT.roots} == {"ab12cd34"}
    assert LAYOUT.roots[0] == PATHS.repos / STAGING / "ab12cd34"


def test_files_count_in_whole_blocks_and_the_installer_does_not_count() -> None:
    assert LAYOUT.staged_bytes(()) == {
        PATHS.repos: 3 * BLOCK,
        PATHS.puppet: BLOCK,
        PATHS.fuel: 2 * BLOCK,
        PATHS.state: BLOCK,
    }


def test_venvs_are_staged_in_their_folder_and_count_with_their_publication() -> None:
    """Their folder is inside that of the repos, and may be another file system."""
    layout = Layout(head_with_venvs(), PATHS, "ab12cd34")
    assert layout.stagings["upgrade/venvs/"] == PATHS.venvs / STAGING / "ab12cd34"
    sizes = layout.staged_bytes(())
    assert sizes[PATHS.venvs] > 2 * BLOCK
    assert {**sizes, PATHS.venvs: 0} == {**LAYOUT.staged_bytes(()), PATHS.venvs: 0}


def test_a_full_view_adds_the_size_of_its_indexes() -> None:
    with_view, without = LAYOUT.staged_bytes([DIFF]), LAYOUT.staged_bytes(())
    assert with_view[PATHS.repos] - without[PATHS.repos] == LAYOUT.view_bytes(DIFF)


def test_the_indexes_of_a_view_grow_with_the_packages_of_the_release() -> None:
    assert LAYOUT.view_bytes(DIFF) == 100 * 6 // 2


def test_the_original_indexes_of_a_release_have_their_size_already() -> None:
    layout = Layout(bundle_head(original=("dists/trusty/Release",)), PATHS, "ab12cd34")
    assert layout.view_bytes(DIFF) == 100


def live_paths(layout: Layout) -> list[Path]:
    steps = as_records([*layout.switches(), *layout.version_switches()])
    return [Path(step.params["live"]) for step in steps]


def test_the_link_to_the_version_is_switched_last() -> None:
    assert live_paths(LAYOUT) == [
        PATHS.repos / VERSION / "ubuntu/x86_64",
        PATHS.puppet / VERSION,
        PATHS.release_versions / f"{VERSION}.yaml",
        PATHS.fuel / "6.0/version.yaml",
        PATHS.version_link,
    ]


@pytest.mark.parametrize("step", [*LAYOUT.switches(), *LAYOUT.version_switches()])
def test_every_switch_moves_from_a_root_of_the_install(step: object) -> None:
    (record,) = as_records([step])  # type: ignore[list-item]
    staged = Path(record.params["staged"])
    assert any(staged.is_relative_to(root) for root in LAYOUT.roots)


def test_a_view_is_built_in_staging_and_switched_to_its_place() -> None:
    build, switch = as_records(LAYOUT.view_steps(DIFF, [Path("/new"), Path("/old")]))
    assert build.params["parts"] == ["/new", "/old"]
    assert build.params["staged"] == switch.params["staged"]
    assert switch.params["live"] == str(PATHS.repos / "full-view" / DIFF.place)
