"""Compares two JSON trees by path. Pure.

Entries of lists are matched by ``name``, or by value if they are texts or numbers, so that a new
entry does not make all later ones differ; their order is compared separately.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)


class Kind(Enum):
    """The kind of a difference; REORDERED is a list of the same names in another order."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; ``path`` such as ``repos[name="ubuntu"].priority``, "" is the whole tree.

    ``before`` is None for an added value, ``after`` for a removed one.
    """

    kind: Kind
    path: str
    before: Any = None
    after: Any = None

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` prints."""
        return {**asdict(self), "kind": self.kind.value}


def diff_trees(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Yield the differences of two JSON trees."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _diff_maps(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _diff_lists(before, after, path)
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield Difference(Kind.CHANGED, path, before, after)


def _diff_maps(
    before: Mapping[str, Any], after: Mapping[str, Any], path: str
) -> Iterator[Difference]:
    for key in sorted({*before, *after}, key=str):
        place = _below(path, str(key))
        if key not in after:
            yield Difference(Kind.REMOVED, place, before=before[key])
        elif key not in before:
            yield Difference(Kind.ADDED, place, after=after[key])
        else:
            yield from diff_trees(before[key], after[key], place)


def _below(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{json.dumps(key)}]"
    return f"{path}.{key}" if path else key


def _diff_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Difference]:
    old, new = _by_name(before), _by_name(after)
    if old is None or new is None:
        old = {str(number): value for number, value in enumerate(before)}
        new = {str(number): value for number, value in enumerate(after)}
    for name, value in old.items():
        if name not in new:
            yield Difference(Kind.REMOVED, f"{path}[{name}]", before=value)
        else:
            yield from diff_trees(value, new[name], f"{path}[{name}]")
    for name in (name for name in new if name not in old):
        yield Difference(Kind.ADDED, f"{path}[{name}]", after=new[name])
    stayed = [name for name in old if name in new]
    now = [name for name in new if name in old]
    if stayed != now:
        yield Difference(Kind.REORDERED, path, before=stayed, after=now)


def _by_name(entries: Sequence[Any]) -> dict[str, Any] | None:
    """Return the entries by name or value, or None if these are not unique."""
    by_name = {name: entry for entry in entries if (name := _name(entry)) is not None}
    return by_name if len(by_name) == len(entries) else None


def _name(entry: object) -> str | None:
    if isinstance(entry, Mapping):
        name = entry.get("name")
        return f"name={json.dumps(name)}" if isinstance(name, str) else None
    return None if isinstance(entry, list) else json.dumps(entry)
