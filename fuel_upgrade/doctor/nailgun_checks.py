"""Checks of Nailgun: its address, the login and its version."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from fuel_upgrade.config import Config, NailgunSettings
from fuel_upgrade.doctor.check import Check, failure, ok
from fuel_upgrade.errors import PreflightError, UpgradeError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.credentials import read_access
from fuel_upgrade.upgrade.plan.master import read_fuel_version

_NAILGUN, _LOGIN, _VERSION = "nailgun", "nailgun login", "fuel version"
_TIMEOUT_S = 5.0
_DEADLINE_S = 15.0


def check_nailgun(config: Config, environ: Mapping[str, str]) -> Iterator[Check]:
    """Check login and version of Nailgun within a bounded time."""
    settings = config.nailgun
    if settings.url is None:
        yield ok(_NAILGUN, "nailgun.url is not set: the daemon runs its embedded registry")
        return
    try:
        access = read_access(settings, environ)
        limited = replace(
            access.settings,
            timeout_s=min(settings.timeout_s, _TIMEOUT_S),
            deadline_s=min(settings.deadline_s, _DEADLINE_S),
            retries=0,
        )
        yield from _ask(limited, config.master_ip, access.source)
    except UpgradeError as error:
        yield failure(_NAILGUN, error.what, error.remedy)


def check_fuel_version(config: Config) -> Check:
    """Check that the Fuel version of this master is readable."""
    try:
        return ok(_VERSION, f"this master runs Fuel {read_fuel_version(config)}")
    except PreflightError as error:
        return failure(_VERSION, error.what, error.remedy)


def _ask(settings: NailgunSettings, master_ip: str, source: str) -> Iterator[Check]:
    with NailgunClient(settings, master_ip=master_ip) as client:
        keystone = client.keystone.version()
        try:
            client.keystone.renew()
        except UpgradeError as error:
            yield failure(_LOGIN, error.what, error.remedy)
            return
        user = client.keystone.login.username
        yield ok(_LOGIN, f"{user!r} logs in by Keystone {keystone}, password from {source}")
        version, dialect = client.version(), client.dialect().name
        yield ok(_NAILGUN, f"{settings.url} runs Fuel {version} and takes repos as {dialect} does")
