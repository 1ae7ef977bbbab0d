"""A support archive holds no secret, wherever one was planted."""

import json
import sqlite3
import stat
import tarfile
from pathlib import Path

import pytest

from fuel_upgrade.config import Config
from fuel_upgrade.doctor.check import failure
from fuel_upgrade.doctor.settings_checks import read_settings
from fuel_upgrade.doctor.support_archive import write_support
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState
from fuel_upgrade.upgrade.transaction.journal import Journal

SECRETS = {
    "config": 'pl"anted-in-config',
    "proxy": "planted-in-proxy",
    "database": "planted-in-database",
    "file": "planted in a file",
    "registry": "planted-in-registry",
    "environment": "planted-in-environment",
    "token": "planted-in-a-header",
}


def plant_secrets(root: Path) -> None:
    place = root / "etc/fuel-upgrade"
    place.mkdir(parents=True)
    (place / "config.yaml").write_text(
        f"nailgun: {{password: '{SECRETS['config']}',"
        f" proxy: 'http://me:{SECRETS['proxy']}@proxy:1', password_file: /etc/fuel-upgrade/p}}\n"
        f"registry: {{database: 'postgresql://me:{SECRETS['database']}@db/x'}}\n"
    )
    (place / "p").write_text(SECRETS["file"] + "\n")
    paths = Config().under(root).paths
    paths.state.mkdir(parents=True)
    paths.registry_password.write_text(SECRETS["registry"])
    paths.log.parent.mkdir(parents=True)
    lines = [f"event='hook output' line='it printed {secret}'" for secret in SECRETS.values()]
    paths.log.write_text("\n".join([*lines, f"X-Auth-Token: {SECRETS['token']}", ""]))
    journal = Journal(paths.journal)
    error = {"what": " ".join(SECRETS.values()), "password": "unheard of"}
    made = ChangeRecord("7f3a0001", "/t.tar", "s", "5.0", "5.1", InstallState.RUNNING, 1.0)
    journal.begin(made)
    journal.mark("7f3a0001", InstallState.ROLLED_BACK, error=error)
    for number, secret in enumerate(SECRETS.values()):
        run = journal.hook_started("7f3a0001", "before-check", f"h{number}", started_s=1)
        journal.hook_ended(run, exit_code=1, output=f"said {secret}", ended_s=2)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    plant_secrets(tmp_path)
    return tmp_path


def packed(root: Path, out: Path, *, force: bool = False) -> dict[str, bytes]:
    settings = read_settings(root / "etc/fuel-upgrade/config.yaml", is_named=True, root=root)
    environ = {"OS_PASSWORD": SECRETS["environment"], "OS_TOKEN": SECRETS["token"], "HOME": "/x"}
    checks = (failure("daemon", f"said {SECRETS['config']}", "see"),)
    write_support(out, settings, checks, environ, force=force, now_s=1e9)
    with tarfile.open(out) as archive:
        return {
            member.name.partition("/")[2]: file.read()
            for member in archive
            if (file := archive.extractfile(member)) is not None
        }


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("support")
    plant_secrets(folder)
    return packed(folder, folder / "support.tar.gz")


def test_no_secret_is_in_any_part(parts: dict[str, bytes]) -> None:
    assert {"config.yaml", "journal.sqlite", "log/fuel_upgrade.log", "doctor.json"} <= set(parts)
    for name, data in parts.items():
        for where, secret in SECRETS.items():
            for form in (secret, json.dumps(secret)[1:-1]):
                assert form.encode() not in data, f"{where} is in {name}"
        assert b"unheard of" not in data


def test_the_packed_journal_can_be_read(parts: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "copy.sqlite").write_bytes(parts["journal.sqlite"])
    with sqlite3.connect(tmp_path / "copy.sqlite") as db:
        assert db.execute("SELECT id, state FROM install").fetchall() == [
            ("7f3a0001", "rolled back")
        ]
        assert db.execute("SELECT count(*) FROM hook_run").fetchone() == (len(SECRETS),)


def test_other_text_is_not_masked(parts: dict[str, bytes]) -> None:
    assert b"password_file: /etc/fuel-upgrade/p" in parts["config.yaml"]
    assert b"event='hook output'" in parts["log/fuel_upgrade.log"]
    assert b"HOME" not in parts["environment.txt"]


def test_the_file_is_for_its_owner_and_replaces_none_unasked(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "support.tar.gz"
    packed(root, out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with pytest.raises(ConfigError, match="exists already"):
        packed(root, out)
    packed(root, out, force=True)


def test_of_a_long_log_the_last_whole_lines_are_packed(root: Path, tmp_path: Path) -> None:
    log = Config().under(root).paths.log
    line = f"event='login' password='{'x' * 8000}'\n"
    log.write_text(line * ((6 << 20) // len(line)))
    data = packed(root, tmp_path / "support.tar.gz")["log/fuel_upgrade.log"]
    assert len(data) <= 4 << 20
    assert b"xxx" not in data
