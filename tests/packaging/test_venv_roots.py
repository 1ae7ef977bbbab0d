"""Real venvs from the package index: two builders make the same, and other hosts run them.

The builders are systems of their own with another path, user, umask, time zone and number of cores;
the second one has no network but the wheels of the first. ``VENV_POOL`` may name a folder of
wheels for the first one.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import packaging
from fuel_upgrade.venv.deployer_file import write_deployer
from tests.packaging.machines import debian, needs_machines
from tests.tools import needs
from tests.venv_wheels import RepoServer, serving_repo

pytestmark = [*needs_machines(), needs("uv", "nginx", "taskset")]
_ROOT = Path(__file__).parents[2]
_SITE = Path(packaging.__file__).parents[1]
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PYTHON = ("dnf",)  # a package that brings Python
_NSPAWN = (
    *("systemd-nspawn", "--quiet", "--pipe", "--register=no", "--keep-unit"),
    *("--resolv-conf=bind-host", "--volatile=overlay"),
)
_SPEC = """
tag: "1"
python: /usr/bin/python3
services:
  horizon:
    requirements: [horizon, pymemcache]
    check: [bin/python, -c, "import openstack_dashboard"]
  keys:
    requirements: [cryptography, lxml]
    check: [bin/python, -c, "import lxml.etree, cryptography.hazmat.bindings._rust"]
"""
_BUILD = """
set -eu
umask {umask}
mkdir -p /openstack
chown {user} /openstack
export HOME={out} PYTHONPATH=/opt/program:/opt/site PATH=/opt/tools:/usr/sbin:/usr/bin:/sbin:/bin
export TZ={zone} UV_CACHE_DIR={out}/cache SSL_CERT_FILE=/opt/ca.crt REQUESTS_CA_BUNDLE=/opt/ca.crt
cd {out}
exec setpriv --reuid={user} --regid={user} --clear-groups python3 -c \
  'from fuel_upgrade.cli.main import main; main(prog_name="fuel-upgrade")' \
  venv build venvs.yaml -o repo --json {options}
"""


def uv_program() -> Path:
    """Return the file of uv itself, also where the command is a script that starts it."""
    with subprocess.Popen(
        ["uv", "pip", "compile", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        link = Path(f"/proc/{process.pid}/exe")
        while not link.resolve().name.startswith("uv"):
            assert process.poll() is None
            time.sleep(0.01)
        program = link.resolve()
        process.kill()
    return program


def run_in(
    root: Path, script: str, *binds: str, before: Sequence[str] = (), check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a system whose changes are forgotten, with the network of this host."""
    argv = [*before, *_NSPAWN, f"--directory={root}", *binds, "sh", "-c", script]
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@dataclass(frozen=True, slots=True)
class Builder:
    """A builder: its folder, inside and outside, and how it differs from others."""

    folder: Path
    out: str
    user: int = 0
    umask: str = "022"
    zone: str = "UTC"
    before: tuple[str, ...] = ()

    def build(self, options: str, *binds: str) -> list[dict[str, Any]]:
        """Build, and return the published venvs."""
        self.folder.mkdir()
        (self.folder / "venvs.yaml").write_text(_SPEC)
        os.chown(self.folder, self.user, self.user)
        script = _BUILD.format(
            umask=self.umask, user=self.user, zone=self.zone, out=self.out, options=options
        )
        parts = {_ROOT: "/opt/program", _SITE: "/opt/site", _CERTIFICATES: "/opt/ca.crt"}
        parts[uv_program()] = "/opt/tools/uv"
        own = [f"--bind-ro={path}:{place}" for path, place in parts.items()]
        own.append(f"--bind={self.folder}:{self.out}")
        root = debian("bookworm", _PYTHON)
        done = run_in(root, script, *own, *binds, before=self.before)
        venvs: list[dict[str, Any]] = json.loads(done.stdout)["venvs"]
        return venvs


@pytest.fixture(scope="module")
def builders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Builder, Builder]:
    if sys.version_info[:2] != (3, 11):
        pytest.skip("needs Python 3.11, as the builders have")
    folder = tmp_path_factory.mktemp("builders")
    other = Builder(
        folder / "other", "/srv/far/deeper", 1, "077", "Pacific/Apia", ("taskset", "-c", "0")
    )
    return Builder(folder / "one", "/build"), other


@pytest.fixture(scope="module")
def first(builders: tuple[Builder, Builder]) -> list[dict[str, Any]]:
    pool = os.environ.get("VENV_POOL")
    binds = [f"--bind-ro={Path(pool).resolve()}:/pool"] if pool else []
    return builders[0].build("--offline --find-links /pool" if pool else "", *binds)


@pytest.fixture
def server(
    builders: tuple[Builder, Builder], first: list[dict[str, Any]], tmp_path: Path
) -> Iterator[RepoServer]:
    assert first
    with serving_repo(tmp_path / "nginx", builders[0].folder / "repo") as server:
        yield server


def test_two_builders_make_the_same_real_venvs(
    builders: tuple[Builder, Builder], first: list[dict[str, Any]], tmp_path: Path
) -> None:
    pool = tmp_path / "pool"
    pool.mkdir()
    for link in (builders[0].folder / "repo/links").glob("*.whl"):
        (pool / link.name).hardlink_to(link.resolve())
    began = time.monotonic()
    second = builders[1].build(
        "--offline --find-links /pool", f"--bind-ro={pool}:/pool", "--private-network"
    )
    figures: dict[str, Any] = {
        venv["service"]: {
            "packages": len(venv["wheels"]),
            "archive_bytes": venv["archive"]["size_bytes"],
            "unpacked_bytes": venv["unpacked_bytes"],
            "sha256": venv["archive"]["sha256"],
        }
        for venv in second
    }
    figures["seconds"] = round(time.monotonic() - began, 1)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")

    assert second == first


def deploy(server: RepoServer, service: str, *options: str) -> str:
    words = f"python3 -I /opt/deploy-venv.pyz deploy {service} --tag 1 --url {server.url}"
    return " ".join((words, *options))


def test_a_venv_runs_on_another_host_than_its_builder(server: RepoServer, tmp_path: Path) -> None:
    """Console scripts, compiled modules, and the check of the service."""
    write_deployer(tmp_path / "deploy-venv.pyz")
    venv = "/openstack/venvs/horizon-1"
    steps = [
        *(deploy(server, service) for service in ("horizon", "keys", "horizon")),
        f"{venv}/bin/django-admin --version",
        f"{venv}/bin/python -c 'import horizon, django; print(django.__file__)'",
        "test ! -e /opt/program",
    ]
    bind = f"--bind-ro={tmp_path}/deploy-venv.pyz:/opt/deploy-venv.pyz"
    done = run_in(debian("bookworm", _PYTHON), "\n".join(("set -e", *steps)), bind)
    lines = done.stdout.splitlines()

    assert [json.loads(line)["changed"] for line in lines[:3]] == [True, True, False]
    assert lines[3][0].isdigit()
    assert "/.store/horizon-1-" in lines[4]


def test_a_host_with_the_next_debian_is_refused_before_anything_is_written(
    server: RepoServer, tmp_path: Path
) -> None:
    write_deployer(tmp_path / "deploy-venv.pyz")
    bind = f"--bind-ro={tmp_path}/deploy-venv.pyz:/opt/deploy-venv.pyz"
    script = deploy(server, "keys", "--platform", "debian-12-x86_64") + "; ls -d /openstack"
    done = run_in(debian("trixie", _PYTHON), script, bind, check=False)

    assert "expected Python 3.11" in json.loads(done.stdout)["error"]
    assert done.returncode == 2  # of ls
