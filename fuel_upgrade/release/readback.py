"""Compares a registered release with the body that was posted."""

import re
from collections.abc import Mapping
from typing import Any

from fuel_upgrade.release.json_diff import Difference, Kind, diff_trees
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease
from fuel_upgrade.release.repo_macros import MASTER_IP, VERSION

_LONGEST = 80


def differences(meant: Mapping[str, Any], shown: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where a release that Nailgun shows differs from the body that was posted.

    Fields that Nailgun does not show (``volumes_metadata``, and unknown ones) are not compared.
    A macro equals the value that Nailgun 6.0 filled in, whichever of the master's addresses it is.
    """
    version = str(meant["version"])
    texts: list[str] = []
    for field in sorted(meant.keys() & shown.keys()):
        value = meant[field]
        if field == "orchestrator_data":
            value = _filled(value, shown[field], version)
        texts.extend(map(_say, diff_trees(value, shown[field], field)))
    return tuple(texts)


def _filled(meant: Any, shown: Any, version: str) -> Any:
    """Return ``meant``, with each text replaced by that of ``shown`` if Nailgun can make it so."""
    if isinstance(meant, Mapping) and isinstance(shown, Mapping):
        named = {name.replace(VERSION, version): value for name, value in meant.items()}
        return {name: _filled(value, shown.get(name), version) for name, value in named.items()}
    if isinstance(meant, str) and isinstance(shown, str) and _can_become(meant, shown, version):
        return shown
    return meant


def _can_become(text: str, shown: str, version: str) -> bool:
    filled = re.escape(text.replace(VERSION, version))
    return re.fullmatch(filled.replace(re.escape(MASTER_IP), r"[^/\s]+"), shown) is not None


def _say(difference: Difference) -> str:
    before, after = _short(difference.before), _short(difference.after)
    match difference.kind:
        case Kind.ADDED:
            return f"{difference.path} was not posted, found {after}"
        case Kind.REMOVED:
            return f"{difference.path} is missing, posted {before}"
        case _:
            return f"{difference.path}: posted {before}, found {after}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def is_rendered_from(posted: OrchestratorData, registered: RegisteredRelease) -> bool:
    """Return whether a release has the posted repos and puppet sources."""
    data = registered.orchestrator
    if data is None:
        return False
    expected, actual = _texts(posted), _texts(data)
    return len(expected) == len(actual) and all(
        _can_become(text, other, registered.version)
        for text, other in zip(expected, actual, strict=True)
    )


def _texts(data: OrchestratorData) -> tuple[str, ...]:
    repos = sorted(data.repos, key=lambda repo: repo.name)
    sources = (data.puppet_manifests_source, data.puppet_modules_source)
    return (*sources, *(f"{repo.name} {repo.location}" for repo in repos))
