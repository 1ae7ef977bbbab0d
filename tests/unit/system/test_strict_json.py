"""JSON without repeated keys and without numbers that JSON does not have."""

import json

import pytest

from fuel_upgrade.system.json_stream import JsonStream
from fuel_upgrade.system.strict_json import DECODER

WRONG = ['{"a": 1, "a": 2}', '{"b": {"a": 1, "a": 1}}', "NaN", "[Infinity]", "-Infinity", "1e999"]


@pytest.mark.parametrize("text", WRONG)
def test_what_json_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"twice in one object|no number that JSON has"):
        DECODER.decode(text)


@pytest.mark.parametrize("text", WRONG)
def test_a_stream_refuses_the_same(text: str) -> None:
    with pytest.raises(ValueError, match=r"twice in one object|no number that JSON has"):
        JsonStream([text.encode()]).value()


def test_a_repeated_key_among_many_is_named_without_comparing_all() -> None:
    names = [str(number) for number in range(100_000)]  # in pairs, 5 * 10**9 comparisons
    members = ",".join(f'"{name}": 0' for name in [*names, names[-1]])
    with pytest.raises(ValueError, match="key '99999' is there twice"):
        DECODER.decode(f"{{{members}}}")


def test_other_json_is_read_as_it_is() -> None:
    value = {"a": [1, -2.5, True, None, {"b": "\u20ac"}], "c": {}}
    assert DECODER.decode(json.dumps(value)) == value
