"""Hides secrets in what is logged, or packed for support."""

import re
from collections.abc import Iterable
from typing import Any

MASK = "******"
_SECRET_WORD = r"(?:password|passwd|token|secret|credential)"  # noqa: S105 - what names one
_SECRET_KEY = re.compile(_SECRET_WORD, re.IGNORECASE)
_SECRET_IN_URL = re.compile(r"(://[^/:@\s]*:)[^/@\s]+@")
#: A secret in running text: a name that tells of one, ``=`` or ``:``, and the value; a value in
#: quotes, of Python, JSON or YAML, ends with them, any other at a space or a comma.
_SECRET_IN_TEXT = re.compile(
    r"(?P<name>[\w.-]*" + _SECRET_WORD + r"[\w.-]*[\"']?\s*[=:]\s*)"
    r"(?:\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.|'')*'|[^\s,;&}\]]+)",
    re.IGNORECASE,
)
#: What is a path, or nothing, under such a name is no secret, and support has to see it.
_NO_SECRET_NAME = re.compile(r"(?:_|-)file[\"']?\s*[=:]", re.IGNORECASE)
_NOTHING = re.compile(r"[=:]\s*(?:null|None|~)$")
_TOKEN_HEADER = re.compile(r"(X-(?:Auth|Subject)-Token:\s*)\S+|(Authorization:\s*\w+\s+)\S+", re.I)
_LEAST = 4  # a shorter secret is not looked for: its letters are in every word


def mask(value: Any) -> Any:
    """Return ``value`` with everything under a secret-sounding key, and in URLs, masked."""
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
    """Return running text with known ``secrets``, and what looks like one, masked."""
    for secret in sorted(filter(lambda s: len(s) >= _LEAST, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _SECRET_IN_URL.sub(rf"\1{MASK}@", text)
    text = _TOKEN_HEADER.sub(lambda m: f"{m.group(1) or m.group(2)}{MASK}", text)
    return _SECRET_IN_TEXT.sub(_mask_match, text)


def _mask_match(match: re.Match[str]) -> str:
    whole, name = match.group(), match.group("name")
    if _NO_SECRET_NAME.search(name) or _NOTHING.search(whole):
        return whole
    return f"{name}{MASK}"
