"""YAML of which nobody knows yet who wrote it: read within bounds, or refused before it costs.

The parser's events are counted first, without recursion: the composer behind them, in C, ends
the process on a text that is nested deeply enough. Only what is within the bounds is loaded.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from fuel_upgrade.errors import BundleError

# The same values as of the plain one, ten times as fast where PyYAML was built with libyaml.
_SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER_MAX_CHARS = 64  # to read one of a million digits takes minutes
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_KEYS = frozenset(f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null", "timestamp"))


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a text may be at most; ``nodes`` and ``depth`` count each alias as what it stands for.

    A node is a value, a key, a list or a map.
    """

    chars: int = 16 << 20
    depth: int = 256
    nodes: int = 500_000


DESCRIPTION = Bounds()
"""For descriptions that people write; the largest of a real Fuel has 18,085 nodes, 13 deep."""
INDEX = Bounds(chars=256 << 20, nodes=10_000_000)
"""For what is made of a repo: a line for each of its packages. As long as a tarball's front."""


def load_yaml(text: str, *, source: str, bounds: Bounds = DESCRIPTION, remedy: str = "") -> Any:
    """Parse YAML into what JSON has: maps, lists, texts, numbers, booleans and nothing.

    A date is the text that stands there: JSON has none, and Nailgun's would crash on it. Pairs
    (``!!pairs``, ``!!omap``) are lists of two, as Nailgun's JSON makes of them.

    Raises:
        BundleError: it is malformed, beyond its bounds, has a key twice, or a value that JSON
            does not have; the message has line and column.
    """
    check_yaml(text, source=source, bounds=bounds, remedy=remedy)
    try:
        return yaml.load(text, Loader=_JsonLoader)  # noqa: S506 - derived of a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refused(error, text, source, remedy) from error


def check_yaml(text: str, *, source: str, bounds: Bounds, remedy: str = "") -> None:
    """Make sure that a text, of one or several documents, can be loaded in bounded memory.

    Raises:
        BundleError: it is malformed or beyond its bounds.
    """
    try:
        check_length(text, bounds)
        _count(yaml.parse(text, Loader=_SAFE), bounds)
    except (yaml.YAMLError, ValueError) as error:
        raise _refused(error, text, source, remedy) from error


def check_length(text: str, bounds: Bounds) -> None:
    """Raise ValueError for a text that is too long."""
    if len(text) > bounds.chars:
        raise ValueError(f"{len(text)} characters, at most {bounds.chars} are read")


@dataclass(slots=True)
class _Census:
    """Nodes so far, and of each anchor how many nodes it stands for and how deep these go."""

    bounds: Bounds
    nodes: int = 0
    anchors: dict[str, tuple[int, int]] = field(default_factory=dict)
    # of each open collection: its anchor, the nodes before it, and the deepest level within
    stack: list[tuple[str | None, int, int]] = field(default_factory=list)

    def add(self, nodes: int, depth: int, at: yaml.Event) -> None:
        """Count nodes that go ``depth`` levels below the collection that is open."""
        self.nodes += nodes
        level = len(self.stack) + depth
        if self.nodes > self.bounds.nodes:
            _refuse(f"more than {self.bounds.nodes} values, with aliases written out", at)
        if level > self.bounds.depth:
            _refuse(f"nested deeper than {self.bounds.depth} levels", at)
        if self.stack and level > self.stack[-1][2]:
            self.stack[-1] = (*self.stack[-1][:2], level)

    def start(self, anchor: str | None, at: yaml.Event) -> None:
        before = self.nodes
        self.add(1, 1, at)
        self.anchors.pop(anchor or "", None)  # until it ends, an alias of it is recursive
        self.stack.append((anchor, before, len(self.stack) + 1))

    def end(self) -> None:
        anchor, before, deepest = self.stack.pop()
        if anchor is not None:
            self.anchors[anchor] = (self.nodes - before, deepest - len(self.stack))
        if self.stack and deepest > self.stack[-1][2]:
            self.stack[-1] = (*self.stack[-1][:2], deepest)

    def alias(self, anchor: str | None, at: yaml.Event) -> None:
        known = self.anchors.get(anchor or "")
        if known is None and any(anchor == name for name, _, _ in self.stack):
            _refuse(f"alias {anchor!r} stands within what it stands for", at)
        self.add(*(known or (1, 0)), at)  # one of nothing is the composer's to refuse


def _count(events: Iterable[yaml.Event], bounds: Bounds) -> None:
    census = _Census(bounds)
    for event in events:
        if isinstance(event, yaml.ScalarEvent):
            census.add(1, 0, event)
            if event.anchor:
                census.anchors[event.anchor] = (1, 0)
        elif isinstance(event, yaml.AliasEvent):
            census.alias(event.anchor, event)
        elif isinstance(event, yaml.CollectionStartEvent):
            census.start(event.anchor, event)
        elif isinstance(event, yaml.CollectionEndEvent):
            census.end()
        elif isinstance(event, yaml.DocumentEndEvent):
            census.anchors.clear()


class _JsonLoader(_SAFE):  # type: ignore[misc]  # known at run time
    """Makes only what JSON has, and loses no key."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._checked: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse keys that are there twice; then carry out merge keys, which changes the node."""
        if id(node) not in self._checked:
            self._checked.add(id(node))
            self._check_keys(node)
        super().flatten_mapping(node)

    def _check_keys(self, node: yaml.MappingNode) -> None:
        seen: dict[str, yaml.Node] = {}
        for key, _ in node.value:
            if key.tag != _MERGE and key.tag not in _KEYS:
                _refuse("a key must be a text or a number", key)
            # JSON has only texts as keys: 1 and "1" are one there
            value = key.value if key.tag == _MERGE else self.construct_object(key)
            name = value if isinstance(value, str) else json.dumps(value)
            if name in seen:
                first = f"line {seen[name].start_mark.line + 1}"
                _refuse(f"key {name!r} is there twice, first in {first}", key)
            seen[name] = key

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """Make a number that JSON has."""
        if len(node.value) > _NUMBER_MAX_CHARS:
            _refuse(f"a number of more than {_NUMBER_MAX_CHARS} characters", node)
        is_int = node.tag == f"{_TAG}int"
        make = self.construct_yaml_int if is_int else self.construct_yaml_float
        try:
            number: int | float = make(node)
        except (ValueError, LookupError):
            _refuse(f"{node.value!r} is no number", node)
        if not is_int and not math.isfinite(number):
            _refuse(f"{node.value!r} is no number that JSON has", node)
        return number

    def construct_bool(self, node: yaml.ScalarNode) -> bool:
        """Make a boolean; of an explicit tag the text may be anything."""
        found = self.bool_values.get(node.value.lower())
        if found is None:
            _refuse(f"{node.value!r} is no boolean", node)
        return bool(found)

    def construct_pairs_of_lists(self, node: yaml.Node) -> Iterator[list[Any]]:
        """Make the pairs; as for every collection, first the empty list, then what is in it."""
        pairs: list[Any] = []
        for pairs in self.construct_yaml_pairs(node):
            yield pairs
        pairs[:] = map(list, pairs)

    def refuse_tag(self, node: yaml.Node) -> NoReturn:
        """Refuse what JSON does not have, and all that other loaders would carry out."""
        _refuse(f"{node.tag.removeprefix(_TAG)!r} is no type that JSON has", node)


_JsonLoader.add_constructor(f"{_TAG}int", _JsonLoader.construct_number)
_JsonLoader.add_constructor(f"{_TAG}float", _JsonLoader.construct_number)
_JsonLoader.add_constructor(f"{_TAG}bool", _JsonLoader.construct_bool)
_JsonLoader.add_constructor(f"{_TAG}timestamp", _SAFE.construct_yaml_str)
for _name in ("pairs", "omap"):
    _JsonLoader.add_constructor(f"{_TAG}{_name}", _JsonLoader.construct_pairs_of_lists)
for _name in ("binary", "set"):
    _JsonLoader.add_constructor(f"{_TAG}{_name}", _JsonLoader.refuse_tag)
_JsonLoader.add_constructor(None, _JsonLoader.refuse_tag)


def _refuse(problem: str, at: yaml.Event | yaml.Node) -> NoReturn:
    mark: Any = at.start_mark  # of one of two classes, as the loader
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _refused(error: Exception, text: str, source: str, remedy: str) -> BundleError:
    what = f"{source}: malformed YAML: {_told(error, text)}"
    return BundleError(what, remedy=remedy or f"correct {source} and build again")


def _told(error: Exception, text: str) -> str:
    """Say what is wrong, and where; lines and columns are counted from 1."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        what = ": ".join(part for part in (error.context, error.problem) if part)
        return f"line {mark.line + 1}, column {mark.column + 1}: {what}" if mark else what
    if isinstance(error, yaml.reader.ReaderError):
        before = text.encode(errors="surrogatepass")[: error.position].decode(errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return f"line {line}, column {column}: {error.reason}"
    return " ".join(str(error).split())
