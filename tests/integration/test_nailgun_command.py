"""``fuel-upgrade nailgun``, and where a planted password does not get to."""

import errno
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from tests import programs
from tests.misbehaving import TOKEN, BadNailgun, bad_nailgun, tells_the_token
from tests.programs import TIMEOUT_S, Program
from tests.readiness import readiness

MISSING = os.strerror(errno.ENOENT)
PASSWORD = "unmistakable-horse-battery"
BIN = Path(sys.executable).parent
# variables of an operator's shell must not change the results
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}


@pytest.fixture
def nailgun(tmp_path: Path) -> Iterator[str]:
    store = Store.open(f"sqlite:///{tmp_path}/nailgun.sqlite")
    ensure_user(store, "admin", PASSWORD)
    app = create_app(store, master_ip="10.20.0.2", fuel_version=lambda: "6.0")
    with RegistryServer(app, "127.0.0.1", 0) as server:
        yield server.url
    store.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/etc/fuel-upgrade").mkdir(parents=True)
    return tmp_path / "root"


def configure(root: Path, mode: int = 0o600, **nailgun: object) -> Path:
    path = root / "etc/fuel-upgrade/config.yaml"
    path.write_text(yaml.safe_dump({"nailgun": {"retries": 0, **nailgun}}))
    path.chmod(mode)
    return path


def run(root: Path, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "fuel-upgrade", "--root", root, "nailgun", *argv],
        env={**ENVIRONMENT, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def check(root: Path, **environ: str) -> dict[str, Any]:
    done = run(root, "check", "--json", **environ)
    assert PASSWORD not in done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if report["login_works"] else 7)
    assert report.pop("format") == 1
    return report


def test_check_shows_the_way_to_nailgun(root: Path, nailgun: str) -> None:
    configure(root, url=nailgun, password=PASSWORD)
    assert check(root) == {
        "url": nailgun,
        "keystone_url": f"{nailgun}/keystone",
        "user": "admin",
        "tenant": "admin",
        "password": "from nailgun.password in config.yaml",
        "proxy": None,
        "ca_file": None,
        "keystone_version": check(root)["keystone_version"],
        "fuel_version": "6.0",
        "dialect": "6.0",
        "auth_required": True,
        "login_works": True,
        "error": None,
    }
    done = run(root, "check")
    assert done.returncode == 0
    assert "login:            works" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr


def test_check_says_why_logging_in_does_not_work(root: Path, nailgun: str) -> None:
    configure(root, url=nailgun, password=f"wrong {PASSWORD}", proxy=None)
    report = check(root)
    assert report["error"]["error"] == "control-plane"
    assert "does not accept the password of user 'admin'" in report["error"]["what"]
    done = run(root, "check")
    assert done.returncode == 7
    assert "login:            does not work" in done.stdout
    assert "remedy: correct nailgun.username and nailgun.password in config.yaml" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr


def test_check_masks_the_password_of_a_proxy(root: Path) -> None:
    proxy = f"http://operator:{PASSWORD}@127.0.0.1:9"
    configure(root, url="http://127.0.0.1:9", proxy=proxy)
    report = check(root)
    assert report["proxy"] == "http://127.0.0.1:9"
    assert "no connection to the proxy" in report["error"]["what"]


def test_check_takes_the_environment_where_no_password_is_set(root: Path, nailgun: str) -> None:
    configure(root, url=nailgun)
    assert check(root)["login_works"] is False  # Fuel's default is not the password here
    report = check(root, OS_PASSWORD=PASSWORD, OS_USERNAME="admin", OS_AUTH_URL=f"{nailgun}/v2.0")
    assert report["login_works"] is True
    assert report["keystone_url"] == nailgun
    assert report["password"] == "from environment, OS_PASSWORD"
    configure(root, url=nailgun, password="other")
    assert check(root, OS_PASSWORD=PASSWORD)["login_works"] is False


def test_check_refuses_a_password_file_that_others_can_read(root: Path, nailgun: str) -> None:
    configure(root, url=nailgun, password_file="/p")
    (root / "p").write_text(PASSWORD)
    (root / "p").chmod(0o644)
    done = run(root, "check")
    assert done.returncode == 2
    assert f"{root}/p: found mode 0644" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr


def test_without_a_nailgun_there_is_nothing_to_check(root: Path) -> None:
    for command in ("check", "login"):
        done = run(root, command)
        assert done.returncode == 2
        assert "nailgun.url is not set" in done.stderr


# login


def login(root: Path, typed: str) -> tuple[int, str, bytes]:
    """Run it on a terminal, type the password; return exit code, screen and list of arguments."""
    terminal, stdin = pty.openpty()
    process = subprocess.Popen(
        [BIN / "fuel-upgrade", "--root", root, "nailgun", "login"],
        env=ENVIRONMENT,
        stdin=stdin,
        stdout=stdin,
        stderr=stdin,
        start_new_session=True,  # otherwise the prompt uses the terminal of the test run
    )
    os.close(stdin)
    screen = b""
    while b"Password: " not in screen:
        screen += os.read(terminal, 1024)
    arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    os.write(terminal, f"{typed}\n".encode())
    try:
        while data := os.read(terminal, 1024):
            screen += data
    except OSError:  # Linux's way to say that the other side of a terminal is gone
        pass
    os.close(terminal)
    return process.wait(TIMEOUT_S), screen.decode(), arguments


def test_login_writes_a_password_that_works_for_the_daemon_alone(root: Path, nailgun: str) -> None:
    configure(root, url=nailgun, password_file="/etc/fuel-upgrade/nailgun.password")
    code, screen, arguments = login(root, PASSWORD)
    assert code == 0, screen
    assert PASSWORD not in screen
    assert PASSWORD.encode() not in arguments
    written = root / "etc/fuel-upgrade/nailgun.password"
    assert written.read_text() == f"{PASSWORD}\n"
    assert written.stat().st_mode & 0o777 == 0o600
    assert check(root)["password"] == f"from file {written}"
    assert check(root)["login_works"] is True


def test_login_keeps_the_file_when_the_password_does_not_work(root: Path, nailgun: str) -> None:
    configure(root, url=nailgun, password_file="/p")
    (root / "p").write_text("old")
    code, screen, _arguments = login(root, f"wrong {PASSWORD}")
    assert code == 7
    assert "does not accept the password" in screen
    assert "was not written" in screen
    assert PASSWORD not in screen
    assert (root / "p").read_text() == "old"


@pytest.mark.parametrize(
    ("settings", "message"),
    [({}, "nailgun.password_file is not set"), ({"password_file": "/p"}, "stdin is no terminal")],
)
def test_login_needs_a_file_and_a_terminal(
    root: Path, settings: dict[str, Any], message: str
) -> None:
    configure(root, url="http://127.0.0.1:9", **settings)
    done = run(root, "login")
    assert done.returncode == 2
    assert message in done.stderr


# The daemon


def daemon(root: Path, **environ: str) -> Program:
    with (root / "stderr").open("wb") as stderr:
        return programs.start(
            ["fuel-upgraded", "--root", root],
            environment={**ENVIRONMENT, **environ},
            stdout=stderr.fileno(),
            stderr=stderr.fileno(),
        )


def ask(root: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return programs.run(["fuel-upgrade", "--root", root, *argv])


@pytest.fixture
def bad() -> Iterator[BadNailgun]:
    with bad_nailgun() as made:
        made.keystone = lambda handler, _seen: handler.reply(
            200, {"access": {"token": {"id": made.next_token()}}}
        )
        yield made


@pytest.mark.parametrize("source", ["settings", "file", "environment"])
def test_no_secret_leaves_the_daemon(root: Path, bad: BadNailgun, source: str) -> None:
    """Asked at the most detailed log level, by a Nailgun that shows each token in its errors."""
    bad.script = [tells_the_token(500)] * 20
    url = f"http://127.0.0.1:{bad.port}"
    secrets = {"settings": {"password": PASSWORD}, "file": {"password_file": "/p"}}
    secret: dict[str, Any] = secrets.get(source, {})
    path = configure(root, 0o644, url=url, keystone_version="v2.0", **secret)
    path.write_text(path.read_text() + "log_level: debug\n")
    (root / "p").write_text(PASSWORD)
    (root / "p").chmod(0o600)
    environ = {"OS_PASSWORD": PASSWORD} if source == "environment" else {}
    with readiness() as ready:
        process = daemon(root, **environ, NOTIFY_SOCKET=ready.address)
        ready.wait(process)
    try:
        done = ask(root, "releases")
        assert done.returncode == 7
        assert "you sent ******" in done.stderr
        arguments = Path(f"/proc/{process.pid}/cmdline").read_text()
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)
    assert PASSWORD in bad.keystone_seen[0].body.decode()
    own = [p for p in root.rglob("*") if p.is_file() and p not in (path, root / "p")]
    assert any(p.name == "fuel_upgrade.log" for p in own)
    log = (root / "var/log/fuel_upgrade.log").read_text()
    shown = [p.read_bytes() for p in own] + [(done.stdout + done.stderr + arguments).encode()]
    for text in shown:
        assert PASSWORD.encode() not in text
        assert TOKEN.encode() not in text
    assert ("others than its owner can read the file" in log) is (source == "settings")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"password_file": "/p"}, "p: found mode 0644"),
        ({"password_file": "/missing"}, f"missing: {MISSING}"),
        ({"ca_file": "/missing.pem"}, f"missing.pem: {MISSING}"),
    ],
)
def test_the_daemon_does_not_start_with_files_that_are_not_right(
    root: Path, settings: dict[str, Any], message: str
) -> None:
    configure(root, url="https://127.0.0.1:9", **settings)
    (root / "p").write_text(PASSWORD)
    (root / "p").chmod(0o644)
    assert daemon(root).wait(TIMEOUT_S) == 2
    stderr = (root / "stderr").read_text()
    assert message in stderr
    assert PASSWORD not in stderr
