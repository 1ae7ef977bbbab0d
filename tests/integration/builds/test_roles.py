"""An error about one repo of a command names it, by its role and by the name that was given."""

import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.errors import BundleError, ConfigError, UpgradeError
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.fullview.view import build_view
from fuel_upgrade.repo.proof.read_proof import Suites, prove_repos, report_repos
from fuel_upgrade.system.progress import no_progress
from tests.builders import Fake, apt_repo, spec_of, write_parts, yum_repo

PACKAGES = [Fake("same"), Fake("other")]
Make = Callable[..., Path]
both = pytest.mark.parametrize("make", [apt_repo, yum_repo], ids=["apt", "yum"])
sides = pytest.mark.parametrize("side", ["base", "current"])
INDEX = {apt_repo: "dists/precise/main/binary-amd64/Packages", yum_repo: "repodata/primary.xml.gz"}
WEAK: dict[Make, dict[str, Any]] = {apt_repo: {"sums": ["MD5sum"]}, yum_repo: {"algorithm": "md5"}}


def fault_of(work: Callable[[], object], kind: type[UpgradeError] = BundleError) -> UpgradeError:
    with pytest.raises(kind) as caught:
        work()
    return caught.value


def make_both(tmp_path: Path, make: Make) -> tuple[Path, Path]:
    return make(tmp_path / "base", PACKAGES), make(tmp_path / "current", PACKAGES[:1])


def damage_index(root: Path) -> None:
    """Overwrite the list of packages of a repo that has one."""
    indexes = [p for p in root.rglob("*") if p.name.endswith(("Packages", "primary.xml.gz"))]
    (index,) = (p for p in indexes if p.is_file() and "current" not in p.relative_to(root).parts)
    index.write_bytes(b"damaged")


def commands(base: Path, current: Path, diff: Path) -> dict[str, Callable[[], object]]:
    return {
        "diff": lambda: build_diff(base, current, diff.with_name("new")),
        "report": lambda: report_repos(base, current, suites=Suites()),
        "prove": lambda: prove_repos(base, diff, current, suites=Suites()),
    }


@both
@sides
@pytest.mark.parametrize("command", ["diff", "report", "prove"])
def test_a_damaged_index_is_of_its_side(
    tmp_path: Path, make: Make, side: str, command: str
) -> None:
    base, current = make_both(tmp_path, make)
    build_diff(base, current, tmp_path / "diff")
    (tmp_path / side / INDEX[make]).write_bytes(b"damaged")
    error = fault_of(commands(base, current, tmp_path / "diff")[command])
    assert error.side == f"the {side} repo {tmp_path / side}"
    assert error.remedy.endswith(f" (the {side} repo {tmp_path / side})")


@both
def test_a_damaged_index_of_the_diff_repo_is_of_the_diff_repo(tmp_path: Path, make: Make) -> None:
    base, current, diff = *make_both(tmp_path, make), tmp_path / "diff"
    build_diff(base, current, diff)
    damage_index(diff)
    assert fault_of(commands(base, current, diff)["prove"]).side == f"the diff repo {diff}"
    view = fault_of(lambda: build_view([diff, base], tmp_path / "view"))
    assert view.side == f"the diff repo {diff}"


@both
@sides
def test_a_file_that_must_be_hashed_and_is_missing_is_of_its_side(
    tmp_path: Path, make: Make, side: str
) -> None:
    repos = {
        name: make(tmp_path / name, PACKAGES, **(WEAK[make] if name == side else {}))
        for name in ("base", "current")
    }
    for file in repos[side].rglob("same*"):
        file.unlink()
    error = fault_of(lambda: build_diff(repos["base"], repos["current"], tmp_path / "out"))
    assert error.remedy == (
        f"copy the repo again, with its packages (the {side} repo {repos[side]})"
    )


@both
def test_a_carried_file_that_is_missing_is_of_the_current_repo(tmp_path: Path, make: Make) -> None:
    base, current = make(tmp_path / "base", []), make(tmp_path / "current", PACKAGES)
    for file in current.rglob("same*"):
        file.unlink()
    error = fault_of(lambda: build_diff(base, current, tmp_path / "out"))
    assert error.remedy == f"copy the repo again, or reindex it (the current repo {current})"


@both
def test_an_inherited_file_that_is_missing_is_of_the_base_in_a_view(
    tmp_path: Path, make: Make
) -> None:
    base, current = make(tmp_path / "base", PACKAGES), make(tmp_path / "current", PACKAGES)
    build_diff(base, current, tmp_path / "diff")
    for file in base.rglob("same*"):
        file.unlink()
    error = fault_of(lambda: build_view([tmp_path / "diff", base], tmp_path / "view"))
    assert error.remedy == f"copy the repo again, or reindex it (the base repo {base})"


@both
@sides
def test_an_archive_is_named_and_not_its_unpacked_folder(
    tmp_path: Path, make: Make, side: str
) -> None:
    repos = dict(zip(("base", "current"), make_both(tmp_path, make), strict=True))
    (repos[side] / INDEX[make]).write_bytes(b"damaged")
    packed = tmp_path / f"{side}.tar"
    with tarfile.open(packed, "w") as archive:
        archive.add(repos[side], arcname=".")
    repos[side] = packed
    error = fault_of(lambda: build_diff(repos["base"], repos["current"], tmp_path / "out"))
    assert error.side == f"the {side} repo {packed}"


@pytest.mark.parametrize("os_key", ["ubuntu", "centos"])
@pytest.mark.parametrize("suffix", ["-base", ""])
def test_a_damaged_index_is_of_its_side_in_a_bundle(
    tmp_path: Path, os_key: str, suffix: str
) -> None:
    spec = spec_of(write_parts(tmp_path), tmp_path)
    root = tmp_path / f"{os_key}{suffix}"
    damage_index(root)
    side = f"the {'base' if suffix else 'current'} repo {root}"
    build = fault_of(lambda: build_bundle(spec, tmp_path / "a.tar", progress=no_progress))
    assert build.side == side


def test_a_linked_file_that_differs_is_of_the_current_repo_in_a_bundle(tmp_path: Path) -> None:
    spec = spec_of(write_parts(tmp_path), tmp_path)
    (file,) = (tmp_path / "ubuntu").rglob("changed*.deb")
    file.write_bytes(b"TWO")  # of the size in the index: only packing reads linked files
    error = fault_of(lambda: build_bundle(spec, tmp_path / "a.tar", progress=no_progress))
    assert error.side == f"the current repo {tmp_path / 'ubuntu'}"


@pytest.mark.parametrize(
    ("side", "option"), [("base", "--base-suite"), ("current", "--suite"), ("diff", "--diff-suite")]
)
def test_the_option_of_its_side_chooses_a_suite(tmp_path: Path, side: str, option: str) -> None:
    base, current, diff = *make_both(tmp_path, apt_repo), tmp_path / "diff"
    build_diff(base, current, diff)
    apt_repo(tmp_path / side, PACKAGES, suite="trusty")
    error = fault_of(commands(base, current, diff)["prove"], ConfigError)
    assert error.remedy == f"name one of them with {option} (the {side} repo {tmp_path / side})"


@both
def test_an_error_about_both_has_no_side(tmp_path: Path, make: Make) -> None:
    base, current = make_both(tmp_path, make)
    other = (yum_repo if make is apt_repo else apt_repo)(tmp_path / "other", PACKAGES)
    work = commands(base, other, current)["diff"]
    assert fault_of(work, ConfigError).side is None
    options = DiffOptions()
    existing = fault_of(lambda: build_diff(base, current, base, options), ConfigError)
    assert existing.side is None
