"""Writes YAML, and reads untrusted YAML within bounds, before it costs memory or time.

The events of the parser are counted first, without recursion: the composer in C ends the process
on a text with too deep nesting. Only text within the bounds is loaded.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from fuel_upgrade.errors import BundleError

# Same results as in pure Python, ten times as fast; only there if PyYAML has libyaml.
_SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NUMBER_MAX_CHARS = 64  # a number of a million digits takes minutes
# Python's hash of a larger integer is a remainder: keys could be chosen that all collide.
_KEY_MAX = 2**53
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_KEYS = frozenset(f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null", "timestamp"))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a text. A node is a value, a key, a list or a map.

    ``nodes`` and ``depth`` count an alias as the nodes that it repeats.
    """

    chars: int = 4 << 20
    depth: int = 256
    nodes: int = 100_000


DESCRIPTION = Bounds()
"""For descriptions by people; the largest of a real Fuel has 18,085 nodes, 13 levels deep."""
DIFF = Bounds(chars=16 << 20, nodes=150_000)
"""For the ``diff.yaml`` of a repo of 60,000 packages, 5.8 MB, whose lists may name each package."""
INDEX = Bounds(chars=256 << 20, nodes=10_000_000)
"""For files with a line for each package of a repo, which are counted and not loaded."""


def dump_yaml(data: Any) -> str:
    """Return maps, lists and values as YAML in block style, in their order."""
    text: str = yaml.dump(data, Dumper=_DUMPER, sort_keys=False, default_flow_style=False)
    return text


def load_yaml(text: str, *, source: str, bounds: Bounds = DESCRIPTION, remedy: str = "") -> Any:
    """Parse YAML into the types of JSON: maps, lists, texts, numbers, booleans and None.

    A date stays text: JSON has no dates, and Nailgun would crash on one. Pairs (``!!pairs``,
    ``!!omap``) become lists of two, as in the JSON of Nailgun.

    Raises:
        BundleError: the text is malformed or beyond its bounds, or has a duplicate key or a value
            that JSON does not have; the message has line and column.
    """
    check_yaml(text, source=source, bounds=bounds, remedy=remedy)
    try:
        return yaml.load(text, Loader=_JsonLoader)  # noqa: S506 - derived of a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refused(error, text, source, remedy) from error


def check_yaml(text: str, *, source: str, bounds: Bounds, remedy: str = "") -> int:
    """Check that a text of one or several documents can be loaded in bounded memory.

    Return the number of its values.

    Raises:
        BundleError: the text is malformed or beyond its bounds.
    """
    try:
        check_length(text, bounds)
        return _count(yaml.parse(text, Loader=_SAFE), bounds)
    except (yaml.YAMLError, ValueError) as error:
        raise _refused(error, text, source, remedy) from error


def check_length(text: str, bounds: Bounds) -> None:
    """Raise ValueError if a text is too long."""
    if len(text) > bounds.chars:
        raise ValueError(f"{len(text)} characters, at most {bounds.chars} are read")


@dataclass(slots=True)
class _Census:
    """The number of nodes so far, and the nodes and depth of each anchor."""

    bounds: Bounds
    nodes: int = 0
    anchors: dict[str, tuple[int, int]] = field(default_factory=dict)
    # for each open collection: its anchor, the nodes before it, and the deepest level in it
    stack: list[tuple[str | None, int, int]] = field(default_factory=list)

    def add(self, nodes: int, depth: int, at: yaml.Event) -> None:
        """Count nodes that go ``depth`` levels below the open collection."""
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
        self.anchors.pop(anchor or "", None)  # an alias of an open collection is recursive
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
            _refuse(f"alias {anchor!r} is inside its own anchor", at)
        self.add(*(known or (1, 0)), at)  # the composer refuses an alias without anchor


def _count(events: Iterable[yaml.Event], bounds: Bounds) -> int:
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
    return census.nodes


class _JsonLoader(_SAFE):  # type: ignore[misc]  # known at run time
    """Constructs only the types of JSON and refuses duplicate keys."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._checked: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse duplicate keys, then apply merge keys, which changes the node."""
        if id(node) not in self._checked:
            self._checked.add(id(node))
            self._check_keys(node)
        super().flatten_mapping(node)

    def _check_keys(self, node: yaml.MappingNode) -> None:
        seen: dict[str, yaml.Node] = {}
        for key, _ in node.value:
            if key.tag != _MERGE and key.tag not in _KEYS:
                _refuse("a key must be a text or a number", key)
            # keys of JSON are texts: 1 and "1" are the same key
            value = key.value if key.tag == _MERGE else self.construct_object(key)
            if type(value) is int and abs(value) > _KEY_MAX:
                _refuse(f"a key beyond {_KEY_MAX}", key)
            name = value if isinstance(value, str) else json.dumps(value)
            if name in seen:
                first = f"line {seen[name].start_mark.line + 1}"
                _refuse(f"duplicate key {name!r}, first in {first}", key)
            seen[name] = key

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """Construct a number of JSON."""
        if len(node.value) > _NUMBER_MAX_CHARS:
            _refuse(f"a number of more than {_NUMBER_MAX_CHARS} characters", node)
        is_int = node.tag == f"{_TAG}int"
        make = self.construct_yaml_int if is_int else self.construct_yaml_float
        try:
            number: int | float = make(node)
        except (ValueError, LookupError):
            _refuse(f"{node.value!r} is not a number", node)
        if not is_int and not math.isfinite(number):
            _refuse(f"{node.value!r} is not a number of JSON", node)
        return number

    def construct_bool(self, node: yaml.ScalarNode) -> bool:
        """Construct a boolean; with an explicit tag the text can be anything."""
        value = self.bool_values.get(node.value.lower())
        if value is None:
            _refuse(f"{node.value!r} is not a boolean", node)
        return bool(value)

    def construct_pairs_of_lists(self, node: yaml.Node) -> Iterator[list[Any]]:
        """Construct pairs as lists: first the empty list, then its items, as PyYAML requires."""
        pairs: list[Any] = []
        for pairs in self.construct_yaml_pairs(node):
            yield pairs
        pairs[:] = map(list, pairs)

    def refuse_tag(self, node: yaml.Node) -> NoReturn:
        """Refuse types that JSON does not have and tags that other loaders execute."""
        _refuse(f"{node.tag.removeprefix(_TAG)!r} is not a type of JSON", node)


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
    mark: Any = at.start_mark  # its class depends on the loader
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _refused(error: Exception, text: str, source: str, remedy: str) -> BundleError:
    what = f"{source}: malformed YAML: {_describe(error, text)}"
    return BundleError(what, remedy=remedy or f"correct {source} and build again")


def _describe(error: Exception, text: str) -> str:
    """Format an error with its line and column, counted from 1."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        what = ": ".join(part for part in (error.context, error.problem) if part)
        return f"line {mark.line + 1}, column {mark.column + 1}: {what}" if mark else what
    if isinstance(error, yaml.reader.ReaderError):
        before = text.encode(errors="surrogatepass")[: error.position].decode(errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return f"line {line}, column {column}: {error.reason}"
    return " ".join(str(error).split())
