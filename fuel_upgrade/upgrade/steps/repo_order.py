"""Makes Nailgun return the repos of a release in the order of its chain."""

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.release.model import OrchestratorData
from fuel_upgrade.release.nailgun_repos import chain_order
from fuel_upgrade.upgrade.steps.release_body import Body

_KEY_SETS = 4  # of two repos in a random order, 15 of 16 releases come right


def keep_order(control: ControlPlane, release_id: int, data: OrchestratorData, shown: Body) -> None:
    """Give a release other keys until its repos come back in the order of ``data``.

    ``shown`` is the release as Nailgun returns it. Nodes get the repos in that order.

    Raises:
        OutsideError: no set of keys comes back in this order.
        ControlPlaneError: Nailgun refuses, or does not answer correctly.
    """
    expected = [repo.name for repo in data.repos]
    for key_set in range(1, _KEY_SETS):
        if chain_order(shown) in (None, expected):
            return
        control.set_repos(release_id, data, key_set=key_set)
        shown = control.release_body(release_id)
    actual = chain_order(shown)
    if actual not in (None, expected):
        raise OutsideError(
            f"Nailgun returns the repos of release {release_id} in the order"
            f" {', '.join(actual or ())}, expected {', '.join(expected)}, with each of"
            f" {_KEY_SETS} sets of keys: nodes would take packages of a base",
            remedy="run Nailgun without hash randomisation (python -R, PYTHONHASHSEED), or install"
            " a release with full repos",
        )
