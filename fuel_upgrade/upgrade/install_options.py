"""The options of a request to install."""

from dataclasses import dataclass

from fuel_upgrade.upgrade.plan.plan import PlanOptions
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan


@dataclass(frozen=True, slots=True)
class InstallOptions(PlanOptions):
    """Options of one install, besides those that shape its plan.

    ``expected`` is a reviewed plan: the install is refused where the master has changed since.
    ``wait_s`` limits the wait for another install, ``wait_for_tasks_s`` the wait for Nailgun's
    tasks. ``fail_if_installed`` makes an intact earlier install of the tarball an error.
    """

    expected: SavedPlan | None = None
    wait_s: float = 0
    wait_for_tasks_s: float = 0
    fail_if_installed: bool = False


NO_OPTIONS = InstallOptions()
