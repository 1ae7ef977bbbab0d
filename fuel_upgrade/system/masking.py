"""Masks secrets in logs and support files."""

import re
from collections.abc import Iterable
from typing import Any

MASK = "******"
_SECRET_WORD = r"(?:password|passwd|token|secret|credential)"  # noqa: S105 - a name, no secret
_SECRET_KEY = re.compile(_SECRET_WORD, re.IGNORECASE)
_SECRET_IN_URL = re.compile(r"(://[^/:@\s]*:)[^/@\s]+@")
#: A secret in plain text: its name, ``=`` or ``:``, and the value. A value in quotes of Python,
#: JSON or YAML ends at the closing quote, any other at a space or a comma.
_SECRET_IN_TEXT = re.compile(
    r"(?P<name>[\w.-]*" + _SECRET_WORD + r"[\w.-]*[\"']?\s*[=:]\s*)"
    r"(?:\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.|'')*'|[^\s,;&}\]]+)",
    re.IGNORECASE,
)
#: A path or an empty value under such a name is not a secret, and support needs it.
_NO_SECRET_NAME = re.compile(r"(?:_|-)file[\"']?\s*[=:]", re.IGNORECASE)
_NOTHING = re.compile(r"[=:]\s*(?:null|None|~)$")
_TOKEN_HEADER = re.compile(r"(X-(?:Auth|Subject)-Token:\s*)\S+|(Authorization:\s*\w+\s+)\S+", re.I)
_MIN_CHARS = 4  # a shorter secret is not masked: its letters occur in ordinary words


def mask(value: Any) -> Any:
    """Return ``value`` with the values of secret keys and the passwords in URLs masked."""
    if isinstance(value, dict):
        return {
            key: MASK if _SECRET_KEY.search(str(key)) and item is not None else mask(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [mask(item) for item in value]
    if isinstance(value, str):
        return _SECRET_IN_URL.sub(rf"\1{MASK}@", value)
    return value


def mask_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return plain text with ``secrets``, and any text that looks like a secret, masked."""
    for secret in sorted(filter(lambda s: len(s) >= _MIN_CHARS, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _SECRET_IN_URL.sub(rf"\1{MASK}@", text)
    text = _TOKEN_HEADER.sub(lambda m: f"{m.group(1) or m.group(2)}{MASK}", text)
    return _SECRET_IN_TEXT.sub(_mask_match, text)


def _mask_match(match: re.Match[str]) -> str:
    whole, name = match.group(), match.group("name")
    if _NO_SECRET_NAME.search(name) or _NOTHING.search(whole):
        return whole
    return f"{name}{MASK}"
