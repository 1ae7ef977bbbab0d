"""The import order of topics inside a package, and one meaning for each file name."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.test_layers import statements

HERE = Path(__file__).parent
ROOT = HERE.parents[1] / "fuel_upgrade"
# The entries of a package, files and folders, each of which imports only entries left of it.
ORDER = {
    "repo": [
        "package", "contradictions", "metadata_place", "version", "sign", "diff", "report",
        "description", "requirements", "repo", "apt", "yum", "read_repo", "repo_contents",
        "compare", "original_indexes", "proof", "build", "fullview",
    ],
    "registry": [
        "refusal", "limits", "lines", "resources", "orchestrator_macros", "rules", "store", "auth",
        "release_order", "release_store", "cluster_attributes", "server", "api",
    ],
    "upgrade": [
        "events", "event_json", "hooks", "log_context", "records", "install_lock", "nailgun_idle",
        "steps", "plan", "transaction", "change", "review", "multi", "install_options", "prepare",
        "engine",
        "install_all", "releases",
    ],
    "venv": [
        "venv_spec", "interpreter", "wheel_names", "python_tool", "git_sources", "venv_index",
        "repo_layout", "repo_store", "venv_tree", "wheel_store", "build_venvs", "host",
        "deployer_file",
    ],
    "cli": [
        "text_columns", "console", "option_values", "operator_files", "group", "progress_bar",
        "client", "bundle", "venv", "repo", "release", "install", "node", "nailgun", "registry",
        "doctor", "selftest", "commands", "main", "entry",
    ],
}  # fmt: skip
# Base names that several folders share, because the files are the same thing of two kinds.
SHARED_NAMES = {"repo"}  # apt/repo.py and yum/repo.py implement the protocol of repo/repo.py


def files_of(package: str) -> list[Path]:
    """Return the files of a package but for its own ``__init__.py``."""
    folder = ROOT / package
    return sorted(p for p in folder.rglob("*.py") if p != folder / "__init__.py")


def entry_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[1].removesuffix(".py")


def imported_entries(path: Path, package: str) -> Iterator[str]:
    """Yield the entries of ``package`` that a file imports, at any depth of its code."""
    for node in statements(ast.parse(path.read_text(encoding="utf-8")).body):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith(f"fuel_upgrade.{package}."):
                yield name.split(".")[2]


@pytest.mark.parametrize("package", ORDER)
def test_every_file_and_folder_has_a_place_in_its_package(package: str) -> None:
    assert {entry_of(path) for path in files_of(package)} == set(ORDER[package])


@pytest.mark.parametrize("package", ORDER)
def test_topics_of_a_package_import_in_one_direction(package: str) -> None:
    order = ORDER[package]
    faults = [
        f"{path.relative_to(ROOT)}: {entry_of(path)} may not import {used}"
        for path in files_of(package)
        for used in imported_entries(path, package)
        if order.index(used) > order.index(entry_of(path))
    ]
    assert faults == [], "\n".join(faults)


def test_a_base_name_has_one_meaning() -> None:
    places = defaultdict(list)
    for path in ROOT.rglob("*.py"):
        if path.stem != "__init__":
            places[path.stem.removesuffix("s")].append(str(path.relative_to(ROOT)))
    shared = {name: paths for name, paths in places.items() if len(paths) > 1}
    assert set(shared) == SHARED_NAMES, shared


def test_unit_tests_lie_in_the_folders_of_the_package() -> None:
    folders = {path.parent.relative_to(HERE) for path in HERE.rglob("test_*.py")}
    assert not [folder for folder in folders if not (ROOT / folder).is_dir()]
