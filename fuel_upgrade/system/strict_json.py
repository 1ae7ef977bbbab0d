"""JSON from outside: strict as RFC 8259, and within bounds of items, depth and numbers."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

MAX_ITEMS = 250_000
MAX_DEPTH = 100
"""The deepest ``openstack.yaml`` has about ten levels.

Far below the limit of the json module, so that every accepted value can be in an answer.
"""
_NUMBER_MAX_CHARS = 40
_SHOWN_CHARS = 80


def _map_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"key {twice!r:.200} is there twice in one object")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:_SHOWN_CHARS]} is no number that JSON has")
    return number


def _whole(text: str) -> int:
    if len(text) > _NUMBER_MAX_CHARS:  # a number of a million digits takes minutes
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


DECODER = json.JSONDecoder(
    object_pairs_hook=_map_of, parse_float=_finite, parse_constant=_finite, parse_int=_whole
)
"""A decoder whose errors are ValueError, and RecursionError for too many levels."""
_LENIENT = json.JSONDecoder(parse_float=_finite, parse_constant=_finite, parse_int=_whole)


def parse_json(data: bytes | bytearray, *, allow_repeated_keys: bool = False) -> object:
    """Return the value of a JSON text in UTF-8; of allowed repeated keys the last counts.

    The items are counted before they are made: "[]," costs 64 bytes of memory for three of text.

    Raises:
        ValueError: it is not JSON; has NaN, a number too large, or a key twice; has more than
            :data:`MAX_ITEMS` items; or is deeper than :data:`MAX_DEPTH`.
    """
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_ITEMS:
        raise ValueError(f"it has more than {MAX_ITEMS} items")
    try:
        decoder = _LENIENT if allow_repeated_keys else DECODER
        value: object = decoder.decode(data.decode())
    except RecursionError as error:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH}") from error
    _check_depth(value)
    return value


def _check_depth(value: object) -> None:
    level = [value]
    for _depth in range(MAX_DEPTH):
        level = [inner for part in level for inner in _containers(part)]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {MAX_DEPTH}")


def _containers(part: object) -> Iterable[object]:
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return (each for each in inner if isinstance(each, dict | list))
