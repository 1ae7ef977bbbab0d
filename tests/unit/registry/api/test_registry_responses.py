import pytest

from fuel_upgrade.registry.api.responses import MAX_DEPTH, Json, Message, parse_json
from fuel_upgrade.registry.refusal import RefusedError


@pytest.mark.parametrize(
    "body",
    [
        b"{not json",
        b"\xff",
        b"[" * 100_000,
        b'"\\ud800"',
        b"NaN",
        b"[1e400]",
        b'{"a": ["\\u0000"]}',
        b'{"\\u0000": 1}',
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"9" * 5000,
    ],
    ids=["text", "utf8", "deep", "half", "nan", "infinity", "nul", "nul key", "101", "number"],
)
def test_what_cannot_be_stored_is_no_json(body: bytes) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_json(body)
    assert (caught.value.status, caught.value.reason) == (400, "Invalid json received")


def test_what_is_as_deep_as_may_be_can_be_given_back() -> None:
    body = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert Json([parse_json(body)]).body == b"[" + body + b"]"


def test_objects_keep_their_order() -> None:
    assert Json(parse_json(b'{"b": 1, "a": 2}')).body == b'{"b": 1, "a": 2}'


def test_a_message_is_safe_as_html_and_keeps_its_quotes() -> None:
    assert Message("can't <b>").body == b"can't &lt;b&gt;"
