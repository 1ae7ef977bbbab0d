"""JSON as RFC 8259 has it: no key twice in an object, and only numbers that JSON has."""

import json
import math
from collections import Counter
from typing import Any


def _map_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"key {twice!r:.200} is there twice in one object")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.80} is no number that JSON has")
    return number


DECODER = json.JSONDecoder(object_pairs_hook=_map_of, parse_float=_finite, parse_constant=_finite)
"""A decoder whose errors are ValueError, and RecursionError for too many levels."""
