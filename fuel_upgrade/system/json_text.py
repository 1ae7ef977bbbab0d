"""JSON from outside, read strictly and within bounds of items, depth and numbers."""

import json
import math
from collections.abc import Iterable
from typing import Any

MAX_ITEMS = 250_000
#: The deepest ``openstack.yaml`` has about ten. Far below the limit of the json module, so that
#: every accepted value can be returned inside an answer.
MAX_DEPTH = 100
_NUMBER_MAX_CHARS = 40


def parse_json(data: bytes | bytearray) -> object:
    """Return the value of a JSON text in UTF-8.

    The items are counted before they are made: "[]," costs 64 bytes of memory for three of text.

    Raises:
        ValueError: it is not JSON; has NaN, a number too large, or a key twice; has more than
            :data:`MAX_ITEMS` items; or is deeper than :data:`MAX_DEPTH`.
    """
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_ITEMS:
        raise ValueError(f"it has more than {MAX_ITEMS} items")
    try:
        value: object = json.loads(
            data.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except RecursionError as error:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH}") from error
    _check_depth(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("an object has a key twice")
    return made


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _whole(text: str) -> int:
    if len(text) > _NUMBER_MAX_CHARS:
        raise ValueError("a number is too large")
    return int(text)


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
