"""Installs several tarballs in the order that their content requires."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fuel_upgrade.errors import PreflightError, UpgradeError
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.events import TarballStarted, Watch
from fuel_upgrade.upgrade.install_options import NO_OPTIONS, InstallOptions
from fuel_upgrade.upgrade.multi.candidates import find_tarballs
from fuel_upgrade.upgrade.multi.order import Order, find_order
from fuel_upgrade.upgrade.records import ChangeRecord
from fuel_upgrade.upgrade.review.earlier_install import NothingToDo
from fuel_upgrade.upgrade.review.review import Review


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """The order of several tarballs, and the plan of the first; None if none is needed."""

    order: Order
    first: Review | NothingToDo | None


@dataclass(frozen=True, slots=True)
class InstalledAll:
    """The order of several tarballs, and the installs that were done."""

    order: Order
    installs: tuple[ChangeRecord, ...]


def plan_all(
    engine: Engine, places: Sequence[Path], options: InstallOptions = NO_OPTIONS
) -> PlannedOrder:
    """Find the order of the tarballs, and plan the first; write nothing.

    A later tarball can be planned only once those before it are installed.

    Raises:
        PreflightError: a tarball cannot be reached, or the first fails its checks.
        BundleError, ConfigError, ControlPlaneError: as :meth:`Engine.plan`.
    """
    survey = engine.survey(find_tarballs(places))
    order = find_order(survey.offers, survey.present)
    first = [survey.paths[offer.name] for offer in order.installs[:1]]
    plans = [engine.plan(path, options) for path in first]
    return PlannedOrder(order, plans[0] if plans else None)


def install_all(
    engine: Engine,
    places: Sequence[Path],
    options: InstallOptions = NO_OPTIONS,
    *,
    watch: Watch,
) -> InstalledAll:
    """Install the tarballs that are not installed yet, in order; stop at the first failure.

    Raises:
        UpgradeError: as :meth:`Engine.install`; its state names the installs before the failure.
        PreflightError: there is nothing to install, and ``fail_if_installed`` refuses that.
    """
    survey = engine.survey(find_tarballs(places))
    order = find_order(survey.offers, survey.present)
    if options.fail_if_installed and not order.installs:
        raise _refuse_nothing(order)
    watch(order.to_event())
    done: list[ChangeRecord] = []
    for number, offer in enumerate(order.installs, 1):
        of = len(order.installs)
        watch(TarballStarted(number, of, offer.name, offer.fuel_version, offer.unpacked_bytes))
        install = new_id()
        try:
            record = engine.install(
                survey.paths[offer.name],
                replace(options, fail_if_installed=False),  # another process may be faster
                install=install,
                watch=watch,
            )
        except UpgradeError as error:
            before = ", ".join(f"Fuel {r.fuel_to} (id {r.id})" for r in done)
            state = f"{error.state}; installed before it: {before or 'nothing'}"
            raise error.amended(state=state) from error
        if record.id == install:
            done.append(record)
    return InstalledAll(order, tuple(done))


def _refuse_nothing(order: Order) -> PreflightError:
    failures = tuple(f"{offer.name}: {why}" for offer, why in order.skipped)
    return PreflightError(
        "; ".join(failures),
        remedy="leave out --fail-if-installed, or name other tarballs",
        failures=failures,
        code="already-installed",
    )
