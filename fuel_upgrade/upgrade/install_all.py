"""Several tarballs, one after the other, in the order that their content gives."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fuel_upgrade.errors import PreflightError, UpgradeError
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.events import TarballStarted, Watch
from fuel_upgrade.upgrade.multi.candidates import find_tarballs
from fuel_upgrade.upgrade.multi.order import Order, find_order
from fuel_upgrade.upgrade.records import InstallRecord


def plan_all(
    engine: Engine,
    places: Sequence[Path],
    *,
    verify_base: bool = False,
    full_view: bool = False,
) -> dict[str, Any]:
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
    return {**order.to_json(), "first": plans[0] if plans else None}


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
) -> dict[str, Any]:
    """Install what is not there yet, one after the other; stop at the first that fails.

    Raises:
        UpgradeError: as :meth:`Engine.install`; its state says what was installed before.
        PreflightError: nothing is to be installed, and ``fail_if_installed`` refuses that.
    """
    survey = engine.survey(find_tarballs(places))
    order = find_order(survey.offers, survey.present)
    if fail_if_installed and not order.installs:
        raise _refuse_nothing(order)
    watch(order.to_event())
    done: list[InstallRecord] = []
    for number, offer in enumerate(order.installs, 1):
        of = len(order.installs)
        watch(TarballStarted(number, of, offer.name, offer.fuel_version, offer.unpacked_bytes))
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
    installs = [record.to_json() for record in done]
    return {**order.to_json(), "installs": installs, "changed": bool(installs)}


def _refuse_nothing(order: Order) -> PreflightError:
    failures = tuple(f"{offer.name}: {why}" for offer, why in order.skipped)
    return PreflightError(
        "; ".join(failures),
        remedy="leave out --fail-if-installed, or name other tarballs",
        failures=failures,
        code="already-installed",
    )
