"""The architecture's import order, enforced: a package imports only packages left of it."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "fuel_upgrade"
ORDER = [
    "outside_text", "errors", "settings_builder", "config", "system", "repo", "release", "venv",
    "bundle", "nodes", "nailgun", "upgrade", "daemon", "drill", "doctor", "cli",
]  # fmt: skip
REGISTRY_MAY = {"outside_text", "errors", "config", "system", "release", "registry"}
REGISTRY_USERS = {"registry", "daemon", "drill", "cli"}
FORBIDDEN = {"utils", "util", "common", "helpers", "helper", "misc"}
# Copied to hosts by the zipapp and by the Ansible collection: all of its imports are relative.
COPIED = ROOT / "venv/host"
FILES = sorted(ROOT.rglob("*.py"))


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def statements(block: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Give each statement of a block and of the blocks in it; no expression can hold an import."""
    for statement in block:
        yield statement
        for name in ("body", "orelse", "finalbody"):
            yield from statements(getattr(statement, name, ()))
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            yield from statements(part.body)


@cache
def imported_layers(path: Path) -> frozenset[str]:
    layers = set()
    for node in statements(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= (path.parent == COPIED), f"{path}:{node.lineno}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "fuel_upgrade" and len(parts) > 1 and parts[1] != "__version__":
                layers.add(parts[1])
    return frozenset(layers)


def may_import(layer: str, used: str) -> bool:
    if layer == "registry":
        return used in REGISTRY_MAY
    if used == "registry":
        return layer in REGISTRY_USERS
    return ORDER.index(used) <= ORDER.index(layer)


def test_a_package_imports_only_lower_packages() -> None:
    faults = [
        f"{path.relative_to(ROOT)}: {layer_of(path)} may not import {used}"
        for path in FILES
        for used in sorted(imported_layers(path))
        if layer_of(path) != "__init__" and not may_import(layer_of(path), used)
    ]
    assert faults == [], "\n".join(faults)


def test_an_import_is_seen_in_any_block(tmp_path: Path) -> None:
    blocks = (
        "import fuel_upgrade.config",
        "if x:\n  pass\nelif y:\n  import fuel_upgrade.config",
        "for x in y:\n  pass\nelse:\n  import fuel_upgrade.config",
        "try:\n  pass\nexcept OSError:\n  import fuel_upgrade.config",
        "try:\n  pass\nfinally:\n  import fuel_upgrade.config",
        "match x:\n  case 1:\n    import fuel_upgrade.config",
        "class A:\n  async def b(self):\n    with c:\n      from fuel_upgrade import config",
    )
    for number, text in enumerate(blocks):
        path = tmp_path / f"{number}.py"
        path.write_text(text)
        assert imported_layers(path) == {"config"}, text


@pytest.mark.parametrize("layer", ["drill", "doctor"])
def test_only_commands_import_operator_tools(layer: str) -> None:
    users = {layer_of(path) for path in FILES if layer in imported_layers(path)}
    assert users <= {layer, "cli"}


def test_the_copied_folder_names_no_package_of_ours() -> None:
    assert not [path for path in COPIED.glob("*.py") if imported_layers(path)]


def test_no_catch_all_modules() -> None:
    assert not [p for p in FILES if p.stem in FORBIDDEN]
