"""The deployer needs nothing on a host but Python 3.9."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from fuel_upgrade.venv import host
from fuel_upgrade.venv.deployer_file import write_deployer

FILES = sorted(Path(host.__file__).parent.glob("*.py"))
OLDEST = (3, 9)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_deployer_is_python_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=OLDEST)
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and node.level == 0
            else []
        )
    }
    foreign = {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names}

    assert foreign == set()


def test_the_file_starts_alone_and_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "a.pyz", tmp_path / "b.pyz"
    write_deployer(first)
    write_deployer(second)
    done = subprocess.run(
        [sys.executable, "-I", "-S", first, "--help"], capture_output=True, cwd="/", check=False
    )

    assert done.returncode == 0
    assert first.read_bytes() == second.read_bytes()
