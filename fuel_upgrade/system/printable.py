"""Untrusted text, such as names from tarballs, made safe for a terminal."""


def printable(text: str) -> str:
    """Return the text with control characters as escape sequences, line breaks included."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
