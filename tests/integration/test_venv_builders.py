"""Builders that differ in all but the inputs make the same archives."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.ordinary_user import NOBODY
from tests.tools import needs, needs_root
from tests.venv_wheels import make_wheel

pytestmark = [needs("uv", "git", "setpriv", "taskset", "/usr/bin/python3"), needs_root()]
_PROGRAM = Path(sys.executable).with_name("fuel-upgrade")
_SPEC = """
tag: "1"
directory: {directory}
python: {python}
bytecode: true
services:
  api: {{requirements: [alpha]}}
  worker: {{requirements: [beta]}}
"""
_PYTHON = Path("/usr/bin/python3")  # nobody finds no program below the home of root
# nobody may read the interpreter of root
_NOBODY = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--", "taskset", "-c", "0"),
)


def build(
    folder: Path, directory: Path, *, before: Sequence[str], umask: int, env: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Build below ``folder`` by the real command; return the published venvs."""
    for name, needed in (("alpha", ("beta",)), ("beta", ())):
        make_wheel(folder / "wheels", name, requires=needed, command=name)
    (folder / "venvs.yaml").write_text(_SPEC.format(directory=directory, python=_PYTHON))
    (folder / "repo").mkdir()
    argv = [*before, str(_PROGRAM), "venv", "build", str(folder / "venvs.yaml"), "--json"]
    argv += ["--offline", "--find-links", str(folder / "wheels"), "-o", str(folder / "repo")]
    environment = {**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": str(folder), **env}
    done = subprocess.run(
        argv, env=environment, umask=umask, capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stdout + done.stderr
    venvs: list[dict[str, Any]] = json.loads(done.stdout)["venvs"]
    return venvs


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that other users reach, in contrast to those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        uv = Path(folder, "bin/uv")
        uv.parent.mkdir()
        uv.write_text(f'#!/bin/sh\nexec {shutil.which("uv")} "$@"\n')
        uv.chmod(0o755)
        yield Path(folder)


def test_builders_of_another_path_user_umask_time_zone_and_cores_make_the_same(
    public: Path,
) -> None:
    one, other = public / "one", public / "other/far deeper"
    first = build(one, public / "venvs", before=(), umask=0o022, env={"TZ": "UTC"})
    other.mkdir(parents=True)
    environment = {"TZ": "Pacific/Apia", "LANG": "de_DE.UTF-8", "USER": "nobody"}
    environment["PATH"] = f"{public}/bin:{os.environ['PATH']}"
    second = build(other, public / "venvs", before=_NOBODY, umask=0o077, env=environment)

    assert [venv["service"] for venv in first] == ["api", "worker"]
    assert second == first
    for venv in first:
        for folder in (one, other):
            (archive,) = folder.glob(f"repo/venvs/1/*-*/{venv['service']}-1.tgz")
            sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
            assert sha256 == venv["archive"]["sha256"]
    owners = {path.stat().st_uid for path in (other / "repo/.blobs").rglob("*") if path.is_file()}
    assert owners == {NOBODY}
