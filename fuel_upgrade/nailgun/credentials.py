"""Reads the password for Nailgun, and checks the file that contains it."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fuel_upgrade.config import NailgunSettings, fault_of_url
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nailgun.transport import check_ca_file

_OTHERS = 0o077
_MAX_BYTES = 4096  # with the newline; Keystone accepts less
_OPENRC = "OS_PASSWORD"


@dataclass(frozen=True, slots=True)
class Access:
    """Settings with a password, and the source of the password in words."""

    settings: NailgunSettings
    source: str


def read_access(settings: NailgunSettings, environ: Mapping[str, str]) -> Access:
    """Check the CA file, and take the password from the first source that has one.

    In this order: ``password_file``, ``password``, the environment variables of OpenStack
    clients, the default of Fuel. With a password in the settings the environment is ignored: it
    may be for another cloud, which must not receive that password.

    Raises:
        ConfigError: the password file or the CA file is refused, or ``OS_AUTH_URL`` is invalid.
    """
    if settings.ca_file is not None:
        check_ca_file(settings.ca_file)
    if settings.password_file is not None:
        password = read_password(settings.password_file)
        return Access(replace(settings, password=password), f"file {settings.password_file}")
    if settings.password is not None:
        return Access(settings, "nailgun.password in config.yaml")
    if environ.get(_OPENRC):
        return Access(_with_environment(settings, environ), f"environment, {_OPENRC}")
    return Access(settings, "default of Fuel")


def read_password(path: Path) -> str:
    """Return the password in a file: one line, which only the owner can read.

    Raises:
        ConfigError: the file is missing, is owned by neither root nor the user of this process,
            is readable by others, or does not have exactly one line.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigError(
            f"nailgun.password_file: {path}: {error.strerror}",
            remedy="write the password there with fuel-upgrade nailgun login",
        ) from error
    try:
        # check the opened file, not the one that has its name now
        _check_owner(path, os.fstat(descriptor))
        data = os.read(descriptor, _MAX_BYTES)
    finally:
        os.close(descriptor)
    return _parse_password(path, data)


def is_password(text: str) -> bool:
    """Return whether a file of one line can contain this password."""
    return bool(text) and text.isprintable() and len(text.encode()) < _MAX_BYTES


def others_can_read(path: Path) -> bool:
    """Return whether users other than the owner can open a file; False if it is missing."""
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False


def _check_owner(path: Path, info: os.stat_result) -> None:
    mode = stat.S_IMODE(info.st_mode)
    if not stat.S_ISREG(info.st_mode):
        raise ConfigError(
            f"nailgun.password_file: {path}: found no plain file, expected one with the password",
            remedy="name a plain file in nailgun.password_file",
        )
    if mode & _OTHERS:
        raise ConfigError(
            f"nailgun.password_file: {path}: found mode {mode:04o}, by which others than its "
            f"owner can open it; expected 0600",
            remedy=f"chmod 600 {path}, and change the password if others may have read it",
        )
    if info.st_uid not in (0, os.geteuid()):
        raise ConfigError(
            f"nailgun.password_file: {path}: found owner {info.st_uid}, expected root or the "
            f"user of this process, {os.geteuid()}",
            remedy=f"chown root {path}",
        )


def _parse_password(path: Path, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""  # no cause: it quotes the bytes
    password = text.removesuffix("\n").removesuffix("\r")
    if not is_password(password):
        raise ConfigError(
            f"nailgun.password_file: {path}: found something else than one line of "
            f"text, expected the password alone",
            remedy="write the password there with fuel-upgrade nailgun login",
        )
    return password


def _with_environment(settings: NailgunSettings, environ: Mapping[str, str]) -> NailgunSettings:
    url = environ.get("OS_AUTH_URL") or None
    if url is not None and (fault := fault_of_url(url)):
        raise ConfigError(
            f"OS_AUTH_URL in the environment: {fault}",
            remedy="correct OS_AUTH_URL, or set nailgun.keystone_url in config.yaml",
        )
    project = environ.get("OS_PROJECT_NAME") or environ.get("OS_TENANT_NAME") or None
    return replace(
        settings,
        password=environ[_OPENRC],
        username=settings.username or environ.get("OS_USERNAME") or None,
        tenant=settings.tenant or project,
        keystone_url=settings.keystone_url or url,
        user_domain=settings.user_domain or environ.get("OS_USER_DOMAIN_NAME") or None,
        project_domain=settings.project_domain or environ.get("OS_PROJECT_DOMAIN_NAME") or None,
    )
