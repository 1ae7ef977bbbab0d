"""The section Install of README.rst and its commands."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.rst"
#: A paragraph that ends with "::", and the lines that are indented below it.
_BLOCK = re.compile(
    r"^(?P<says>\S[^\n]*(?:\n\S[^\n]*)*)::\n\n(?P<commands>(?:    [^\n]*\n)+)", re.M
)


def install_text() -> str:
    """Return the section Install of the README."""
    return section(README, "Install", "=")


def section(page: Path, title: str, underline: str) -> str:
    """Return the text of a section, up to the next of its level."""
    text = page.read_text(encoding="utf-8")
    start = text.index(f"\n{title}\n{underline * len(title)}\n") + 2 * len(title) + 3
    following = re.search(rf"^\S[^\n]*\n{re.escape(underline)}{{4,}}$", text[start:], re.MULTILINE)
    return text[start : start + following.start() if following else None].strip("\n") + "\n"


def commands(words: str) -> list[str]:
    """Return the commands below the one paragraph that begins with these words."""
    (block,) = [m for m in _BLOCK.finditer(install_text()) if m["says"].startswith(words)]
    return [line[4:] for line in block["commands"].splitlines()]
