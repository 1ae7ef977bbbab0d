"""The architecture's import order, enforced: a package imports only packages left of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "fuel_upgrade"
ORDER = [
    "errors", "config", "system", "repo", "release", "bundle", "nodes", "venv",
    "nailgun", "upgrade", "daemon", "drill", "doctor", "cli",
]  # fmt: skip
REGISTRY_MAY = {"errors", "config", "system", "release", "registry"}
REGISTRY_USERS = {"registry", "daemon", "drill", "cli"}
FORBIDDEN = {"utils", "util", "common", "helpers", "helper", "misc"}
FILES = sorted(ROOT.rglob("*.py"))


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_layers(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "fuel_upgrade" and len(parts) > 1 and parts[1] != "__version__":
                yield parts[1]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_only_what_lies_left(path: Path) -> None:
    layer = layer_of(path)
    if layer == "__init__":
        return
    for used in imported_layers(path):
        if layer == "registry":
            assert used in REGISTRY_MAY, f"{path}: registry may not import {used}"
        elif used == "registry":
            assert layer in REGISTRY_USERS, f"{path}: {layer} may not import registry"
        else:
            assert ORDER.index(used) <= ORDER.index(layer), f"{path}: {layer} imports {used}"


@pytest.mark.parametrize("layer", ["drill", "doctor"])
def test_only_commands_use_what_is_for_operators_alone(layer: str) -> None:
    users = {layer_of(path) for path in FILES if layer in imported_layers(path)}
    assert users <= {layer, "cli"}


def test_no_catch_all_modules() -> None:
    assert not [p for p in FILES if p.stem in FORBIDDEN]
