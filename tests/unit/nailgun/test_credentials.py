"""The sources of the password, and the password files that are refused."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nailgun.credentials import others_can_read, read_access, read_password
from fuel_upgrade.nailgun.keystone import Login
from tests.tools import needs_root

URL = "http://10.20.0.2:8000"
MISSING = os.strerror(errno.ENOENT)
OPENRC = {
    "OS_PASSWORD": "from the environment",
    "OS_USERNAME": "operator",
    "OS_PROJECT_NAME": "services",
    "OS_AUTH_URL": "http://10.20.0.9:5000/v3",
    "OS_USER_DOMAIN_NAME": "staff",
    "OS_PROJECT_DOMAIN_NAME": "machines",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "nailgun.password"
    path.write_text("from the file\n")
    path.chmod(0o600)
    return path


def test_the_file_comes_before_all_else(file: Path) -> None:
    settings = NailgunSettings(url=URL, password="from the settings", password_file=file)
    access = read_access(settings, OPENRC)
    assert access.settings == replace(settings, password="from the file")
    assert access.source == f"file {file}"


def test_the_settings_come_before_the_environment() -> None:
    """And nothing else of the environment counts: it may be of another cloud."""
    settings = NailgunSettings(url=URL, password="from the settings")
    access = read_access(settings, OPENRC)
    assert access.settings == settings
    assert "config.yaml" in access.source


def test_the_environment_completes_the_settings() -> None:
    access = read_access(NailgunSettings(url=URL), OPENRC)
    assert Login.of(access.settings) == Login(
        "operator", "from the environment", "services", "staff", "machines"
    )
    assert access.settings.keystone_url == "http://10.20.0.9:5000/v3"
    assert "OS_PASSWORD" in access.source
    named = NailgunSettings(
        url=URL, username="u", tenant="t", keystone_url=URL, user_domain="d", project_domain="e"
    )
    actual = read_access(named, OPENRC).settings
    assert actual == replace(named, password="from the environment")


def test_a_tenant_is_a_project_of_older_clients() -> None:
    environ = {"OS_PASSWORD": "p", "OS_TENANT_NAME": "old"}
    assert read_access(NailgunSettings(url=URL), environ).settings.tenant == "old"
    both = {**environ, "OS_PROJECT_NAME": "new"}
    assert read_access(NailgunSettings(url=URL), both).settings.tenant == "new"


@pytest.mark.parametrize("environ", [{}, {"OS_PASSWORD": ""}, {"OS_USERNAME": "operator"}])
def test_without_any_password_it_is_that_of_fuel(environ: dict[str, str]) -> None:
    access = read_access(NailgunSettings(url=URL), environ)
    assert access.source == "default of Fuel"
    assert Login.of(access.settings) == Login("admin", "admin", "admin", "Default", "Default")


def test_an_address_of_keystone_in_the_environment_is_checked() -> None:
    environ = {**OPENRC, "OS_AUTH_URL": "http://u:unmistakable@k:5000"}
    with pytest.raises(ConfigError, match=r"OS_AUTH_URL.*must not contain a user") as caught:
        read_access(NailgunSettings(url=URL), environ)
    assert "unmistakable" not in caught.value.what


def test_an_empty_password_in_the_settings_is_one() -> None:
    settings = read_access(NailgunSettings(url=URL, password=""), OPENRC).settings
    assert Login.of(settings).password == ""


def test_a_ca_file_is_looked_at(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"nailgun\.ca_file: .*{MISSING}"):
        read_access(NailgunSettings(url=URL, ca_file=tmp_path / "ca.pem"), {})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666])
def test_a_file_that_others_can_open_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        read_password(file)
    assert f"{file}: found mode {mode:04o}" in caught.value.what
    assert "expected 0600" in caught.value.what
    assert f"chmod 600 {file}" in caught.value.remedy


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_a_file_of_its_owner_alone_is_read(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert read_password(file) == "from the file"


@needs_root()
def test_a_file_of_another_user_is_refused(file: Path) -> None:
    os.chown(file, 4711, 4711)
    with pytest.raises(ConfigError, match="found owner 4711, expected root") as caught:
        read_password(file)
    assert f"chown root {file}" in caught.value.remedy


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"pw", "pw"),
        (b"pw\n", "pw"),
        (b"pw\r\n", "pw"),
        (b" p w \n", " p w "),
        ("pä".encode(), "pä"),
    ],
)
def test_one_end_of_a_line_is_not_of_the_password(
    file: Path, content: bytes, password: str
) -> None:
    file.write_bytes(content)
    assert read_password(file) == password


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"s3cret\n\n", b"s3cret\nx", b"s3cret\xff", b"p" * 4096]
)
def test_a_password_of_several_lines_is_refused_and_not_quoted(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="one line of text") as caught:
        read_password(file)
    assert "s3cret" not in caught.value.what
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"p: {MISSING}") as caught:
        read_password(tmp_path / "p")
    assert "nailgun login" in caught.value.remedy


def test_a_folder_or_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ConfigError, match="no plain file"):
            read_password(path)


def test_readers_of_a_file_are_detected(file: Path) -> None:
    assert not others_can_read(file)
    file.chmod(0o644)
    assert others_can_read(file)
    assert not others_can_read(file.with_name("missing"))
