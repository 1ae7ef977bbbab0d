"""The reversible changes that an install, a gc and a squash are made of."""

from collections.abc import Callable, Mapping
from typing import Any

from fuel_upgrade.upgrade.steps.full_view import BuildView
from fuel_upgrade.upgrade.steps.register import Notify, Register
from fuel_upgrade.upgrade.steps.retire import Retire
from fuel_upgrade.upgrade.steps.run_hook import RunHook
from fuel_upgrade.upgrade.steps.stage import Stage
from fuel_upgrade.upgrade.steps.step import Step, World
from fuel_upgrade.upgrade.steps.switch import Switch
from fuel_upgrade.upgrade.steps.unpack import Unpack
from fuel_upgrade.upgrade.steps.unregister import Reregister, Unregister

_KINDS: Mapping[str, Callable[[Mapping[str, Any], World], Step]] = {
    "unpack": Unpack.from_params,
    "switch": Switch.from_params,
    "view": BuildView.from_params,
    "register": Register.from_params,
    "notify": Notify.from_params,
    "stage": Stage.from_params,
    "retire": Retire.from_params,
    "unregister": Unregister.from_params,
    "reregister": Reregister.from_params,
    "hook": RunHook.from_params,
}
OWNERS_OF_BACKUPS = frozenset({"unpack", "stage"})
"""The kinds of steps whose folders (``roots``) hold what the others replaced."""
BEFORE_LIVE = OWNERS_OF_BACKUPS | {"hook"}
"""The kinds of steps after which nothing live has changed yet."""
KEPT_WHILE_STUCK = OWNERS_OF_BACKUPS | {"view"}
"""The kinds whose undo removes a place in staging where a switch that is stuck has its backup."""
NEED_NO_BACKUPS = frozenset({"register", "notify", "unregister", "reregister"})
"""The kinds of steps that tell Nailgun: the journal has all that undoing them needs."""


def build_step(kind: str, params: Mapping[str, Any], world: World) -> Step:
    """Build a step from its kind and parameters, as a plan or the journal holds them."""
    return _KINDS[kind](params, world)
