"""``fuel-upgrade releases diff``: two releases field by field, registered ones or descriptions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuel_upgrade.cli.client.daemon_client import DaemonClient
from fuel_upgrade.cli.console import echo
from fuel_upgrade.cli.operator_files import read_text
from fuel_upgrade.cli.release.find_release import resolve
from fuel_upgrade.errors import ConfigError, NotFoundError
from fuel_upgrade.release.fixture import parse_fixture
from fuel_upgrade.release.json_diff import Difference, Kind, diff_trees
from fuel_upgrade.release.model import Release
from fuel_upgrade.release.nailgun_settings import may_become

DIFFERENT = 8
"""The exit code; not 1 as of diff(1), which is for unexpected errors."""

_TARBALL = (".tar", ".tar.zst", ".tar.xz", ".tar.gz", ".iso")
_ONLY_REGISTERED = frozenset({"repos", "puppet_manifests_source", "puppet_modules_source"})
"""Fields that an install fills in, so that a description does not have them."""
_ONLY_ONE_SIDE = frozenset({"volumes_metadata", "deployment_tasks"})
"""Fields that Nailgun accepts but does not show (contract: ``create``, ``one``), or that an install
makes from the puppet tree."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the releases to compare, as a tree; ``label`` is for people."""

    label: str
    name: str
    os_key: str
    tree: Mapping[str, Any]
    is_registered: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences of two releases, one of which may be missing."""

    one: Side | None
    other: Side | None
    differences: tuple[Difference, ...]

    @property
    def is_equal(self) -> bool:
        """Return whether both exist and are equal."""
        return bool(self.one and self.other and not self.differences)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "one": self.one.label if self.one else None,
            "other": self.other.label if self.other else None,
            "equal": self.is_equal,
            "differences": [difference.to_json() for difference in self.differences],
        }

    def show(self) -> None:
        """Print the comparison as text."""
        if self.one is None or self.other is None:
            only = self.one or self.other
            echo(f"only in {'A' if self.one else 'B'}: {only.label if only else ''}")
            return
        echo(f"A: {self.one.label}\nB: {self.other.label}")
        for difference in self.differences:
            _show_difference(difference)
        echo(f"{len(self.differences)} difference(s)" if self.differences else "equal")


def compare(
    client: DaemonClient, one: str, other: str, system: str | None
) -> tuple[Comparison, ...]:
    """Compare the releases of two names, on one operating system or on all.

    Raises:
        NotFoundError: a name has no release; ConfigError: the releases cannot be paired.
    """
    pairs = pair(_sides(client, one, system), _sides(client, other, system))
    return tuple(Comparison(a, b, _differences(a, b)) for a, b in pairs)


def _sides(client: DaemonClient, named: str, system: str | None) -> list[Side]:
    path = Path(named)
    sides = _described(path) if path.is_file() else _registered(client, named)
    chosen = [side for side in sides if system in (None, side.os_key)]
    if not chosen:
        raise NotFoundError(f"{named}: no release for {system}", remedy="leave out --os")
    return chosen


def _registered(client: DaemonClient, named: str) -> list[Side]:
    try:
        matches = resolve(client.get("/releases"), named)
    except NotFoundError as error:
        raise NotFoundError(
            f"{error.what}, and no such file is here", remedy=error.remedy
        ) from error
    return [_registered_side(client.get(f"/releases/{match['id']}")) for match in matches]


def _registered_side(whole: Mapping[str, Any]) -> Side:
    tree = {k: v for k, v in whole["body"].items() if k != "orchestrator_data"}
    tree |= {name: whole[name] for name in _ONLY_REGISTERED}
    label = f"{whole['name']} ({whole['version']}), id {whole['id']}"
    system = whole["operating_system"].lower()
    return Side(label, whole["name"], system, tree, is_registered=True)


def _described(path: Path) -> list[Side]:
    if path.name.endswith(_TARBALL):
        # Imported here because only tarballs need these libraries.
        from fuel_upgrade.bundle.verify import read_head

        releases: Sequence[Release] = read_head(path).releases
    else:
        text = read_text(path, remedy="name a readable text file")
        releases = parse_fixture(text, source=str(path))
    return [_described_side(path, release) for release in releases]


def _described_side(path: Path, release: Release) -> Side:
    data = release.fields.get("orchestrator_data") or {}
    tree = {k: v for k, v in release.fields.items() if k != "orchestrator_data"}
    repos = (data.get("repo_metadata") or {}).items()
    tree["repos"] = [{"name": name, "location": place} for name, place in repos]
    tree |= {name: data[name] for name in _ONLY_REGISTERED & data.keys()}
    label = f"{release.name} ({release.version}) in {path}"
    return Side(label, release.name, release.os_key, tree, is_registered=False)


def pair(one: Sequence[Side], other: Sequence[Side]) -> list[tuple[Side | None, Side | None]]:
    """Pair the releases: single ones with each other, others by operating system and name.

    Raises:
        ConfigError: several of one operating system cannot be paired by name.
    """
    if len(one) == len(other) == 1:
        return [(one[0], other[0])]
    pairs: list[tuple[Side | None, Side | None]] = []
    for system in sorted({side.os_key for side in (*one, *other)}):
        here, there = ([s for s in sides if s.os_key == system] for sides in (one, other))
        if len(here) <= 1 and len(there) <= 1:
            pairs.append((next(iter(here), None), next(iter(there), None)))
            continue
        names = sorted({side.name for side in (*here, *there)})
        by_name = [{side.name: side for side in sides} for sides in (here, there)]
        if sum(map(len, by_name)) < len(here) + len(there):
            raise ConfigError(
                f"several releases for {system} to compare: {', '.join(names)}",
                remedy="name each by its id",
            )
        pairs += [(by_name[0].get(name), by_name[1].get(name)) for name in names]
    return pairs


def _differences(one: Side | None, other: Side | None) -> tuple[Difference, ...]:
    if one is None or other is None:
        return ()
    before, after = dict(one.tree), dict(other.tree)
    if one.is_registered != other.is_registered:
        described, shown = (after, before) if one.is_registered else (before, after)
        for name in _ONLY_REGISTERED | _ONLY_ONE_SIDE:
            before.pop(name, None)
            after.pop(name, None)
        for name in shown.keys() - described.keys():
            if shown[name] in (
                {},
                [],
                None,
                "",
            ):  # Nailgun shows an empty value for a field that was not posted
                del shown[name]
    return tuple(d for d in diff_trees(before, after) if not _is_filled_in(d, one, other))


def _is_filled_in(difference: Difference, one: Side, other: Side) -> bool:
    """Return whether a registered release has the value of a setting that a description names."""
    before, after = difference.before, difference.after
    if one.is_registered == other.is_registered:
        return False
    return may_become(after, before) if one.is_registered else may_become(before, after)


def _show_difference(difference: Difference) -> None:
    before, after = (_short(value) for value in (difference.before, difference.after))
    if difference.kind is Kind.ADDED:
        echo(f"+ {difference.path}: {after}")
    elif difference.kind is Kind.REMOVED:
        echo(f"- {difference.path}: {before}")
    else:
        mark = "~" if difference.kind is Kind.CHANGED else "order of"
        echo(f"{mark} {difference.path}: {before} -> {after}")


def _short(value: object) -> str:
    """Return a value on one line; a long one is cut, --json has all of it."""
    text = json.dumps(value, ensure_ascii=False)
    most = 200
    return text if len(text) <= most else f"{text[:most]}..."
