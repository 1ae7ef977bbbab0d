"""Mutations of JSON that mostly stay JSON."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.fuzz.target import ByBytes

JSON_WORDS = (
    *(b"NaN", b"Infinity", b"1e999", b"9" * 40, b"true", b"null", b"\\ud800", b"\\u0000", b"-1"),
    *(b"[[[[", b'{"":', b"2030-01-01T00:00:00Z", b"\xef\xbb\xbf", b"../", b"<b>", b'""'),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 1 << 31, 1 << 63, 10**40, float("nan"), float("inf")),
    *("", " ", "0", "\ud800", "\0", "\x1b]0;x\7", "../..", "a" * 300, "2030-01-01T00:00:00Z"),
    *([], {}, [[]], [None], {"": {}}, [{}, {}]),
)
_KEYS = ("", "\0", "\ud800", "../x", "x" * 300)
_HOLE = "hole"
_TEXTS = ("9" * 5000, "[" * 900 + "]" * 900, "1e400", '{"a":1,"a":2}', "-0.0")
"""Values that cannot be made of objects of Python, or not quickly."""


Place = tuple[Any, Any]
"""A list or map, and a key in it."""


def mutate_json(data: bytes, chance: Random, by_bytes: ByBytes) -> bytes:
    """Change one value of a JSON text; one that is no JSON is mutated by bytes."""
    try:
        root = [json.loads(data)]
        places = list(_places(root))
        holder, key = chance.choice(places)
        _change(holder, key, chance.choice(places), chance, by_bytes)
        text = json.dumps(root)[1:-1]
    except (ValueError, RecursionError):
        return by_bytes(data)
    return text.replace(f'"{_HOLE}"', chance.choice(_TEXTS)).encode()


def _change(holder: Any, key: Any, other: Place, chance: Random, by_bytes: ByBytes) -> None:
    value = holder[key]
    way = chance.randrange(7)
    if way == 0 and isinstance(value, str):
        holder[key] = by_bytes(value.encode(errors="surrogatepass")).decode(errors="replace")
    elif way == 1 and isinstance(value, int):
        holder[key] = value + chance.choice((-1, 1, 1 << 31, -value - value))
    elif way == 2 and isinstance(holder, dict):
        holder[chance.choice((str(other[1]), *_KEYS))] = holder.pop(key)
    elif way == 3:
        holder[key] = json.loads(json.dumps(other[0][other[1]]))
    elif way == 4 and isinstance(value, list):
        value.extend(json.loads(json.dumps(value))[:8] or [None])
    elif way == 5:
        holder[key] = _HOLE
    else:
        holder[key] = json.loads(json.dumps(chance.choice(_VALUES)))


def _places(value: Any) -> Iterator[Place]:
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])
