"""Runs all checks in order. A check that raises becomes a warning and does not stop the others."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import fuel_upgrade
from fuel_upgrade.config import Config, settings_path
from fuel_upgrade.doctor.address_checks import check_address, check_repo_url, fetch
from fuel_upgrade.doctor.check import Check, warning
from fuel_upgrade.doctor.daemon_checks import check_daemon, check_unit
from fuel_upgrade.doctor.disk_checks import check_disks
from fuel_upgrade.doctor.host_checks import check_clock, check_kernel, latest_on_record, read_kernel
from fuel_upgrade.doctor.journal_checks import check_journal, check_lock
from fuel_upgrade.doctor.nailgun_checks import check_fuel_version, check_nailgun
from fuel_upgrade.doctor.permission_checks import check_hooks, check_modes
from fuel_upgrade.doctor.settings_checks import Settings, read_settings
from fuel_upgrade.system.addresses import own_addresses

_Look = Callable[[], Check | Iterable[Check]]


@dataclass(frozen=True, slots=True)
class Host:
    """The inputs of the checks; a test can replace addresses and clock."""

    config: Path | None
    root: Path | None
    socket: Path | None
    environ: Mapping[str, str] = field(repr=False)
    addresses: Callable[[], Iterable[str]] = own_addresses
    now_s: Callable[[], float] = time.time

    def settings(self) -> Settings:
        """Read the settings, with defaults for invalid ones."""
        file = settings_path(self.config, root=self.root)
        return read_settings(file, is_named=self.config is not None, root=self.root)


def check_host(host: Host, settings: Settings) -> Iterator[Check]:
    """Yield the checks of the settings, then run all others."""
    yield from settings.checks
    for name, look in _looks(host, settings.config).items():
        yield from _guarded(name, look)


def _looks(host: Host, config: Config) -> dict[str, _Look]:
    paths = config.paths
    on_record = (Path(fuel_upgrade.__file__), paths.journal)
    looks: dict[str, _Look] = {
        "address": lambda: check_address(config, host.addresses()),
        "repo_url": partial(check_repo_url, config, fetch),
        "nailgun": partial(check_nailgun, config, host.environ),
        "fuel version": partial(check_fuel_version, config),
        "disk": partial(check_disks, config),
        "modes": partial(check_modes, config),
        "hooks": partial(check_hooks, paths.hooks),
        "journal": partial(check_journal, paths),
        "install lock": partial(check_lock, paths),
        "daemon": partial(check_daemon, host.socket or paths.socket),
        "clock": lambda: check_clock(host.now_s(), latest_on_record(on_record)),
        "kernel and libc": lambda: check_kernel(*read_kernel()),
    }
    if host.root is None:  # a daemon with --root is not a unit
        looks["systemd unit"] = check_unit
    return looks


def _guarded(name: str, look: _Look) -> Iterator[Check]:
    """Run a check; turn an exception into a warning."""
    results: list[Check] = []
    try:
        checks = look()
        results.extend([checks] if isinstance(checks, Check) else checks)
    except Exception as error:  # noqa: BLE001 - doctor must work on a broken host
        what = f"this could not be checked: {type(error).__name__}: {error}"
        remedy = "run fuel-upgrade doctor as root; report it if that does not help"
        results.append(warning(name, what, remedy))
    yield from results
