"""Outside text, such as names from tarballs, as a terminal may show it."""


def printable(text: str) -> str:
    """Return the text with what could steer a terminal written as an escape sequence.

    Line breaks too: the text is part of a line.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
