"""Text from tarballs, repos, servers and files, made safe at the edges of the program.

There are two forms: one bounded line for terminals, logs, errors and the journal, and JSON in
which every character is printable.
"""

import json
import re
from typing import Any

MAX_CHARS = 8192
"""The bound of a text; its middle is left out if it is longer."""
_TAIL_CHARS = 1024  # the reason is often at the end
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_ASCII = re.compile("[^\n -~]")


def printable(text: str, *, most: int = MAX_CHARS) -> str:
    """Return the text as one line of at most about ``most`` printable characters.

    Others are written as escape sequences: control characters, line breaks, characters that change
    the direction of writing, and surrogates, which stand for bytes that are not UTF-8.
    """
    if len(text) > most:
        left_out = len(text) - most
        head, tail = text[: most - _TAIL_CHARS], text[-_TAIL_CHARS:]
        text = f"{head}... ({left_out} characters left out) ...{tail}"
    return escaped(text)


def escaped(text: str) -> str:
    """Return the text as one line of printable characters, however long it is."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def is_unicode(text: str) -> bool:
    """Return whether a text has no surrogates, which stand for bytes that are not UTF-8."""
    return not _SURROGATE.search(text)


def printable_json(value: Any, *, indent: int | None = None) -> str:
    """Return JSON of printable characters, valid in every parser: it has no lone surrogates."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if text.isascii() and text.isprintable():
        return text
    text = _SURROGATE.sub(lambda match: rf"\{_escape(match.group())}", text)
    return _NOT_ASCII.sub(lambda match: _in_json(match.group()), text)


def _in_json(char: str) -> str:
    return char if char.isprintable() else json.dumps(char)[1:-1]


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
