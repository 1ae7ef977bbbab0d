"""`ansible-test sanity` of each version of Ansible that runs here, without ignore files."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ansible_runs import copy_collection
from tests.pythons import interpreters
from tests.tools import needs_here

_BUILD = Path(__file__).parents[2] / "build/ansible"
# The minor versions of Python on which a version of ansible-core runs.
_VERSIONS = {
    "2.16": range(10, 13),
    "2.17": range(10, 13),
    "2.18": range(11, 14),
    "2.19": range(11, 14),
    "2.20": range(12, 15),
    "2.21": range(12, 15),
}
_MANAGED = "import ensurepip\n\nensurepip.bootstrap()\n"


def _controller(version: str) -> Path | None:
    """Return an interpreter for a version of Ansible: this one, or the oldest that it runs on."""
    known = {sys.version_info.minor: Path(sys.executable)} | interpreters()
    order = (sys.version_info.minor, *_VERSIONS[version])
    return next((known[n] for n in order if n in _VERSIONS[version] and n in known), None)


def _needs(version: str) -> pytest.MarkDecorator:
    lacking = f"Python 3.{_VERSIONS[version][0]} or newer, for ansible-core {version}"
    return needs_here(*(() if _controller(version) else (lacking,)))


@pytest.mark.parametrize(
    "version", [pytest.param(version, marks=_needs(version)) for version in _VERSIONS]
)
def test_sanity_tests_have_no_findings(version: str, tmp_path: Path) -> None:
    environment = _install(version)
    collection = copy_collection(tmp_path)
    assert not list(collection.glob("tests/sanity/ignore*"))
    done = subprocess.run(
        [environment / "bin/ansible-test", "sanity", "--color", "no", "--truncate", "0"],
        cwd=collection,
        env={
            "PATH": f"{environment}/bin:{_links(tmp_path)}:/usr/bin:/bin",
            "HOME": str(_home(environment)),
            "LC_ALL": "C.UTF-8",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
        },
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    names = re.findall(r'Running sanity test "([^"]+)"', done.stdout + done.stderr)
    sys.stdout.write(f"\nansible-core {version}: {len(set(names))} sanity tests\n")

    assert done.returncode == 0, done.stdout + done.stderr
    assert {"import", "pep8", "pylint", "validate-modules", "yamllint"} <= set(names)


def _install(version: str) -> Path:
    """Make the environment of a version once; it has the newest patch level."""
    environment = _BUILD / version
    if not (environment / "bin/ansible-test").exists():
        shutil.rmtree(environment, ignore_errors=True)
        subprocess.run([str(_controller(version)), "-m", "venv", environment], check=True)
        install = ["-m", "pip", "install", "--quiet", f"ansible-core=={version}.*"]
        subprocess.run([environment / "bin/python", *install], check=True)
    return environment


def _home(environment: Path) -> Path:
    """Return a home where each pip that Ansible would download is that of the interpreter."""
    (module,) = environment.glob(
        "lib/*/site-packages/ansible_test/_internal/python_requirements.py"
    )
    cache = _BUILD / "home/.ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"pip='([\d.]+)'", module.read_text()):
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(_MANAGED)
    return _BUILD / "home"


def _links(folder: Path) -> Path:
    """Return a folder with all interpreters: shims of version managers do not run there."""
    links = folder / "pythons"
    links.mkdir()
    for minor, path in interpreters().items():
        (links / f"python3.{minor}").symlink_to(path)
    return links
