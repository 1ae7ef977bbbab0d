"""Bodies of requests that no honest client sends, as raw bytes, and what carries them."""

from collections.abc import Iterator, Mapping

_JSON = "application/json"


def hostile_bodies(field: str, limit_bytes: int) -> Iterator[tuple[str, str, bytes]]:
    """Yield a name, a content type and a body; ``field`` is a key that the endpoint knows."""
    for name, body in _texts(field, limit_bytes).items():
        yield name, _JSON, body
    for kind in _WRONG_TYPES:
        yield f"content type {kind!r}", kind, b'{"a": 1}'


_WRONG_TYPES = (
    "", "text/plain", "application/xml", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "application/json; charset=utf-16", "\xff/\xfe",
    "application/" + "j" * 5000,
)  # fmt: skip


def _texts(field: str, limit_bytes: int) -> Mapping[str, bytes]:
    key = field.encode()
    emoji = "\N{GRINNING FACE}".encode()

    def value(text: bytes) -> bytes:
        return b'{"' + key + b'": ' + text + b"}"

    def filled(start: bytes, unit: bytes, end: bytes) -> bytes:
        return start + unit * ((limit_bytes - len(start) - len(end)) // len(unit)) + end

    return {
        "nothing": b"",
        "half an object": b'{"',
        "no object: null": b"null",
        "no object: a list": b"[]",
        "no object: a text": b'""',
        "no object: a number": b"-0",
        "two values": b"{}{}",
        "a comment": b"/* */ {}",
        "a comma too many": b'{"a": 1,}',
        "single quotes": b"{'a': 1}",
        "a byte order mark": b"\xef\xbb\xbf{}",
        "UTF-16": "{}".encode("utf-16"),
        "UTF-32": "{}".encode("utf-32"),
        "no UTF-8": b'{"a": "\xff"}',
        "overlong UTF-8": b'{"a": "\xc0\xaf"}',
        "a surrogate in UTF-8": b'{"a": "\xed\xa0\x80"}',
        "a key twice": b'{"' + key + b'": "x", "' + key + b'": ""}',
        "a key twice, deep": value(b'{"a": [{"b": 1, "b": 2}]}'),
        "NaN": value(b"NaN"),
        "minus Infinity": value(b"-Infinity"),
        "a float that overflows": value(b"1e400"),
        "an integer of 40 digits": value(b"9" * 40),
        "an integer of 5000 digits": value(b"9" * 5000),
        "a lone surrogate": value(rb'"\ud800"'),
        "a lone surrogate as a key": rb'{"\udfff": 1}',
        "a NUL": value(rb'"/\u0000"'),
        "a control character": value(b'"\x01"'),
        "escapes of a terminal": value(rb'"\u001b]0;owned\u0007"'),
        "an empty text": value(b'""'),
        "blanks": value(rb'" \t\n"'),
        "null": value(b"null"),
        "a boolean": value(b"true"),
        "an object": value(b"{}"),
        "a list of lists": value(b"[[]]"),
        "an unknown key": b'{"__proto__": {"a": 1}}',
        "a path of 5000 characters": value(b'"/' + b"a" * 5000 + b'"'),
        "a path out": value(b'"/../../../etc/shadow"'),
        "a deep list": b"[" * 100_000,
        "a deep object": b'{"a":' * 100_000,
        "a deep list that ends": value(b"[" * 900 + b"]" * 900),
        "a list of the limit": filled(value(b"[")[:-1], b"[],", b"[]]}"),
        "keys to the limit": filled(b"{", b'"a":{},', b'"b":0}'),
        "a text of the limit": filled(b'{"' + key + b'": "', b"a", b'"}'),
        "a wide text of the limit": filled(b'{"' + key + b'": "' + emoji, b"a", b'"}'),
        "a text widened by an escape": filled(b'{"' + key + rb'": "\ud83d\ude00', b"a", b'"}'),
        "escapes of the limit": filled(b'{"' + key + b'": "', rb"\ud83d\ude00", b'"}'),
        "blanks of the limit": filled(b"", b" ", b""),
        "one byte over the limit": b" " * (limit_bytes + 1),
    }
