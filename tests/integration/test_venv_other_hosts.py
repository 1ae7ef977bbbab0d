"""Deployed venvs on hosts that are not their builder: another Python, another root."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade.system.tree_digest import digest
from tests.integration.test_venv_build import Builder
from tests.integration.test_venv_deploy import Node
from tests.tools import needs, needs_here
from tests.venv_wheels import serving_repo

pytestmark = needs("uv", "git", "nginx")


def other_python() -> Path | None:
    """Return a Python of another minor version than that of the tests, if one is installed."""
    folders = [Path(folder) for folder in ("/usr/bin", "/usr/local/bin")]
    folders += sorted(Path(sys.base_prefix).parent.glob("*/bin"))  # pyenv and its like
    for minor in range(9, 20):
        for folder in folders:
            path = folder / f"python3.{minor}"
            if (3, minor) != sys.version_info[:2] and path.exists():
                return path.resolve()
    return None


OTHER = other_python()


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path)


@pytest.fixture
def node(builder: Builder) -> Iterator[Node]:
    with serving_repo(builder.folder / "nginx", builder.repo) as server:
        yield Node(builder, server)


def expect_interpreter(node: Node, path: Path) -> None:
    """Publish that the venv needs the interpreter ``path``."""
    (file,) = (node.builder.repo / "venvs/1").glob("*-*/api-1.json")
    entry = json.loads(file.read_text())
    entry["requires"]["interpreter"] = str(path)
    before = file.stat()  # its time is that of its content: two writes within a second would be one
    file.resolve().write_text(json.dumps(entry))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@needs_here(*(() if OTHER else ("another Python 3",)))
def test_a_host_with_another_python_is_refused_before_anything_is_written(node: Node) -> None:
    """The path of the interpreter leads to another minor version than on the builder."""
    assert OTHER is not None
    node.builder.build()
    expect_interpreter(node, OTHER)
    error = node.run(fails=True)["error"]

    built, other = (f"{sys.version_info[0]}.{sys.version_info[1]}", OTHER.name[6:])
    assert f"Python: expected {built}, found {other}." in error
    assert f"ABI: expected cpython-{built.replace('.', '')}" in error
    assert f"found cpython-{other.replace('.', '')}" in error
    assert not node.directory.exists()
    assert len(node.server.requests()) == 1


@needs_here(*(() if OTHER else ("another Python 3",)))
def test_after_an_upgrade_of_the_interpreter_the_old_venv_stays(node: Node, tmp_path: Path) -> None:
    assert OTHER is not None
    node.builder.build()
    place = tmp_path / "python3"
    place.symlink_to(sys.executable)
    expect_interpreter(node, place)
    node.run()
    node.publish("2.0")
    expect_interpreter(node, place)
    place.unlink()
    place.symlink_to(OTHER)
    before = digest(node.directory)
    node.run(fails=True)

    assert digest(node.directory) == before
    assert node.version() == "1.0"
