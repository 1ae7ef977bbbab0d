"""Compares a registered release with what was meant to be registered."""

import re
from collections.abc import Mapping
from typing import Any

from fuel_upgrade.release.json_diff import Difference, Kind, diff_trees
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease
from fuel_upgrade.release.repo_macros import MASTER_IP, VERSION

_LONGEST = 80


def differences(meant: Mapping[str, Any], shown: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where a release that Nailgun shows differs from the body that was posted.

    Fields that Nailgun does not show (``volumes_metadata``, and those that it does not know) are
    not compared. A macro equals what Nailgun 6.0 filled in, whichever of its addresses it takes
    for the master's.
    """
    version = str(meant["version"])
    found: list[str] = []
    for field in sorted(meant.keys() & shown.keys()):
        value = meant[field]
        if field == "orchestrator_data":
            value = _filled(value, shown[field], version)
        found.extend(map(_say, diff_trees(value, shown[field], field)))
    return tuple(found)


def _filled(meant: Any, shown: Any, version: str) -> Any:
    """Return ``meant`` with the texts of ``shown`` that its texts can have become."""
    if isinstance(meant, Mapping) and isinstance(shown, Mapping):
        named = {name.replace(VERSION, version): value for name, value in meant.items()}
        return {name: _filled(value, shown.get(name), version) for name, value in named.items()}
    if isinstance(meant, str) and isinstance(shown, str) and _can_become(meant, shown, version):
        return shown
    return meant


def _can_become(text: str, shown: str, version: str) -> bool:
    filled = re.escape(text.replace(VERSION, version))
    return re.fullmatch(filled.replace(re.escape(MASTER_IP), r"[^/\s]+"), shown) is not None


def _say(found: Difference) -> str:
    match found.kind:
        case Kind.ADDED:
            return f"{found.path} was not posted, found {_short(found.after)}"
        case Kind.REMOVED:
            return f"{found.path} is missing, posted {_short(found.before)}"
        case _:
            return f"{found.path}: posted {_short(found.before)}, found {_short(found.after)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def is_rendered_from(posted: OrchestratorData, found: RegisteredRelease) -> bool:
    """Tell whether a release has the repos and puppet sources that were posted."""
    data = found.orchestrator
    if data is None:
        return False
    wanted, there = _texts(posted), _texts(data)
    return len(wanted) == len(there) and all(
        _can_become(text, other, found.version) for text, other in zip(wanted, there, strict=True)
    )


def _texts(data: OrchestratorData) -> tuple[str, ...]:
    repos = sorted(data.repos, key=lambda repo: repo.name)
    sources = (data.puppet_manifests_source, data.puppet_modules_source)
    return (*sources, *(f"{repo.name} {repo.location}" for repo in repos))
