import pytest

from fuel_upgrade.system.strict_json import MAX_DEPTH, MAX_ITEMS, parse_json


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'{"install": "a", "install": ""}', "twice"),
        (b'[{"a": {"b": 1, "b": 1}}]', "twice"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"1e400", "no number"),
        (b"9" * 41, "41 digits"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 100_000, "nested"),
        (b"[" + b"0," * MAX_ITEMS + b"0]", "items"),
        (b"[" * MAX_ITEMS + b"[]", "items"),
        (b"\xff", "decode"),
        (b"\xef\xbb\xbf{}", "value"),
        (b"", "value"),
    ],
)
def test_json_that_is_ambiguous_or_costly_is_refused(body: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_json(body)


def test_json_within_the_bounds_is_read() -> None:
    assert parse_json(b'{"a": [1, -2.5, null, "\\ud83d"]}') == {"a": [1, -2.5, None, "\ud83d"]}
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse_json(deep) is not None
