"""The body of a request in an error: short, on one line, and without secrets. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from fuel_upgrade.nailgun.transport import Body
from fuel_upgrade.outside_text import printable
from fuel_upgrade.system.masking import MASK

_MOST_CHARS = 600
_MOST_FIELD_CHARS = 200
_SECRET_NAME = re.compile(r"passw|secret|token|credential|private|(^|[_.-])key$", re.IGNORECASE)
_LOGIN_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def say_body(body: Body) -> str:
    """Return a body for people: its short fields first, for they are likely to be the cause.

    A field that does not fit is only named. Texts below a name of a secret, and logins in URLs, are
    masked.
    """
    if not isinstance(body, Mapping):
        return _say(_masked(body), _MOST_CHARS)
    texts = {str(name): _say(_masked(value, str(name))) for name, value in body.items()}
    shown, length = [], 0
    for name in sorted(texts, key=lambda name: len(texts[name])):
        field = f"{name}: {texts[name]}"
        length += len(field)
        shown.append(field if length <= _MOST_CHARS else name)
    return _cut(", ".join(shown), 2 * _MOST_CHARS)


def _masked(value: Any, name: str = "", *, is_secret: bool = False) -> Any:
    is_secret = is_secret or _SECRET_NAME.search(name) is not None
    if isinstance(value, Mapping):
        return {k: _masked(inner, str(k), is_secret=is_secret) for k, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner, is_secret=is_secret) for inner in value]
    if not isinstance(value, str):
        return value
    return MASK if is_secret else _LOGIN_IN_URL.sub(MASK, value)


def _say(value: Any, most: int = _MOST_FIELD_CHARS) -> str:
    return _cut(printable(json.dumps(value, ensure_ascii=False)), most)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
