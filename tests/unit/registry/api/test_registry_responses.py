import pytest

from fuel_upgrade.registry.api.responses import Json, Message, parse_body
from fuel_upgrade.registry.refusal import RefusedError
from fuel_upgrade.system.strict_json import MAX_DEPTH


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
def test_text_that_cannot_be_stored_is_refused_as_json(body: bytes) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_body(body)
    assert (caught.value.status, caught.value.reason) == (400, "Invalid json received")


def test_json_of_the_greatest_depth_can_be_returned() -> None:
    body = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert Json([parse_body(body)]).body == b"[" + body + b"]"


def test_objects_keep_their_order() -> None:
    assert Json(parse_body(b'{"b": 1, "a": 2}')).body == b'{"b": 1, "a": 2}'


def test_a_message_is_safe_as_html_and_keeps_its_quotes() -> None:
    assert Message("can't <b>").body == b"can't &lt;b&gt;"
