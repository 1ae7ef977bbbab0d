"""A document that is read in chunks of any size has the values that ``json`` reads."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from fuel_upgrade.system.json_stream import JsonStream

DOCUMENT = {
    "a": 1,
    "é\n": {"x": [1, 2.5, {"y": None}], "": {}},
    "n": -12,
    "t": True,
    "ü": "}\u2028",
}


def chunked(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def read(data: bytes, size: int = 3) -> dict[str, Any]:
    stream = JsonStream(chunked(data, size))
    document: dict[str, Any] = {}
    for key in stream.members():
        if key == "é\n":
            document[key] = {inner: stream.value() for inner in stream.members()}
        else:
            document[key] = stream.value()
    stream.end()
    return document


def refuses(chunks: Iterable[bytes]) -> bool:
    stream = JsonStream(chunks)
    try:
        for _ in stream.members():
            stream.value()
        stream.end()
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("layout", [{}, {"indent": 2}, {"ensure_ascii": False}])
def test_any_chunks_give_the_values_of_json(size: int, layout: dict[str, Any]) -> None:
    assert read(json.dumps(DOCUMENT, **layout).encode(), size) == DOCUMENT


MALFORMED = (
    *("", "[1]", "{", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{"a":1}}', '{"a" 1}'),
    *("{1:2}", '{"a":1 "b":2}', '{"a":01}', '{"a":tru}', '{"a":1}{', '{,"a":1}', '{"a":1,"a":2}'),
)


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_document_is_refused(text: str) -> None:
    assert refuses(chunked(text.encode(), 3))


def test_text_that_is_not_utf_8_is_refused() -> None:
    assert refuses([b'{"a":"\xff"}'])


def test_a_value_without_an_end_is_refused_before_all_of_it_is_read() -> None:
    chunks = iter([b'{"a":["', *[b"x" * (1 << 20)] * 5])
    assert refuses(chunks)
    assert len(list(chunks)) > 2
