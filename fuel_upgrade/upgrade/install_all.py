"""Several tarballs, one after the other, in the order that their content gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.errors import PreflightError, UpgradeError
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.events import Watch
from fuel_upgrade.upgrade.multi.candidates import find_tarballs
from fuel_upgrade.upgrade.multi.order import Order, find_order
from fuel_upgrade.upgrade.records import InstallRecord
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
    installs: tuple[InstallRecord, ...]


def plan_all(
    engine: Engine,
    places: Sequence[Path],
    *,
    verify_base: bool = False,
    full_view: bool = False,
) -> PlannedOrder:
    """Say in which order the tarballs would be installed, and plan the first; writes nothing.

    The others can be planned only when those before them are there.

    Raises:
        PreflightError: a tarball cannot be reached, or the first fails its checks.
        BundleError, ConfigError, ControlPlaneError: as :meth:`Engine.plan`.
    """
    survey = engine.survey(find_tarballs(places))
    order = find_order(survey.offers, survey.present)
    first = [survey.paths[offer.name] for offer in order.installs[:1]]
    plans = [engine.plan(path, verify_base=verify_base, full_view=full_view) for path in first]
    return PlannedOrder(order, plans[0] if plans else None)


def install_all(  # noqa: PLR0913 - what an operator can ask for
    engine: Engine,
    places: Sequence[Path],
    *,
    watch: Watch,
    verify_base: bool = False,
    full_view: bool = False,
    wait_s: float = 0,
    wait_for_tasks_s: float = 0,
    fail_if_installed: bool = False,
) -> InstalledAll:
    """Install what is not there yet, one after the other; stop at the first that fails.

    Raises:
        UpgradeError: as :meth:`Engine.install`; its state says what was installed before.
        PreflightError: nothing is to be installed, and ``fail_if_installed`` refuses that.
    """
    survey = engine.survey(find_tarballs(places))
    order = find_order(survey.offers, survey.present)
    if fail_if_installed and not order.installs:
        raise _refuse_nothing(order)
    watch({"event": "order", **order.to_json()})
    done: list[InstallRecord] = []
    for number, offer in enumerate(order.installs, 1):
        told = {"number": number, "of": len(order.installs), **offer.to_json()}
        watch({"event": "tarball", **told})
        install = new_id()
        try:
            record = engine.install(
                survey.paths[offer.name],
                install=install,
                watch=watch,
                verify_base=verify_base,
                full_view=full_view,
                wait_s=wait_s,
                wait_for_tasks_s=wait_for_tasks_s,
            )
        except UpgradeError as error:
            before = ", ".join(f"Fuel {r.fuel_to} (id {r.id})" for r in done)
            state = f"{error.state}; installed before it: {before or 'nothing'}"
            raise error.amended(state=state) from error
        if record.id == install:  # else another process was faster
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
