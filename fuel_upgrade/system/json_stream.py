"""Reads a large JSON document in chunks, of which only one value at a time is in memory."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from fuel_upgrade.system.strict_json import DECODER

_MAX_VALUE_CHARS = 1 << 20  # of a value that is read as a whole
_SPACES = re.compile(r"[ \t\n\r]*")  # RFC 8259
_raw_decode = DECODER.raw_decode


class JsonStream:
    """A document in UTF-8, read forward.

    :meth:`members` goes through an object; its consumer reads the value of each key, by
    :meth:`value` or by :meth:`members`, before the next key.

    Raises:
        ValueError: the document is malformed, or repeats a key in an object of :meth:`members`, or
            has a key out of order there.
        RecursionError: it is nested too deeply.
    """

    def __init__(self, chunks: Iterable[bytes | memoryview]) -> None:
        self._chunks = iter(chunks)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0
        self._ended = False

    def members(self, *, ascending: bool = False) -> Iterator[str]:
        """Yield the keys of the object that begins here; ``ascending`` ones are not remembered."""
        self._expect("{")
        seen: set[str] = set()
        last = ""
        separator = "}" if self._peek() == "}" else ","
        while separator == ",":
            key = self.value()
            if type(key) is not str or key in seen or (ascending and key < last):
                raise ValueError(f"a key {key!r}, repeated or out of order")
            if ascending:
                seen.clear()
            seen.add(key)
            last = key
            self._expect(":")
            yield key
            separator = self._peek()
            if separator == ",":
                self._at += 1
        self._expect("}")

    def value(self) -> Any:
        """Read the whole value that begins here."""
        self._peek()
        while True:
            try:
                value, end = _raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if len(self._text) - self._at > _MAX_VALUE_CHARS or not self._fill():
                    raise
                continue
            if end < len(self._text) or not self._fill():  # else a number may go on
                self._at = end
                return value

    def end(self) -> None:
        """Check that nothing follows."""
        if self._peek():
            raise ValueError("data after the end of the document")

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise ValueError(f"expected {character!r}, found {self._peek()!r}")
        self._at += 1

    def _peek(self) -> str:
        """Return the next character that is no space; "" at the end."""
        while True:
            match = _SPACES.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def _fill(self) -> bool:
        """Read another chunk; return whether there was one."""
        if self._ended:
            return False
        chunk = next(self._chunks, None)
        self._ended = chunk is None
        more = self._decoder.decode(chunk or b"", final=self._ended)
        self._text = self._text[self._at :] + more
        self._at = 0
        return not self._ended
