"""Takes the repos of a chain out of a node's other source files. Texts in, texts out.

A repo that stands somewhere else as well breaks the order of the chain: apt reads
``sources.list`` before ours, and dnf knows neither priority nor excludes for the second one.
"""

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from urllib.parse import urlsplit

APT_PLACES = ("etc/apt/sources.list", "etc/apt/sources.list.d/*.list")
DEB822_PLACES = ("etc/apt/sources.list.d/*.sources",)
YUM_PLACES = ("etc/yum.repos.d/*.repo",)
_NOTE = "# disabled by fuel-upgrade: "
_APT_LINE = re.compile(r"^\s*deb(?:-src)?\s+(?:\[[^\]]*\]\s*)?(\S+)\s")
_DEB822_URIS = re.compile(r"^URIs:(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)
_DEB822_ENABLED = re.compile(r"^Enabled:.*\n?", re.MULTILINE | re.IGNORECASE)
_YUM_SECTION = re.compile(r"(?=^\[)", re.MULTILINE)
_YUM_URL = re.compile(r"^baseurl\s*=(.*(?:\n[ \t]+\S.*)*)", re.MULTILINE)
_YUM_ENABLED = re.compile(r"^enabled\s*=.*$", re.MULTILINE)


def disable_repos(path: str, text: str, urls: Collection[str]) -> str:
    """Return the text of a sources file without the repos at ``urls``; unchanged if it has none.

    One-line lists are commented out, deb822 paragraphs and yum sections switched off; nothing
    else of the file changes.
    """
    unwanted = {_normal(url) for url in urls}
    match PurePosixPath(path).suffix:
        case ".sources":
            parts = re.split(r"(\n\s*\n)", text)
            return "".join(_without_deb822(part, unwanted) for part in parts)
        case ".repo":
            parts = _YUM_SECTION.split(text)
            return "".join(_without_yum(part, unwanted) for part in parts)
        case _:
            return "".join(_without_line(line, unwanted) for line in text.splitlines(keepends=True))


def _without_line(line: str, unwanted: Collection[str]) -> str:
    found = _APT_LINE.match(line)
    return _NOTE + line if found and _normal(found[1]) in unwanted else line


def _without_deb822(paragraph: str, unwanted: Collection[str]) -> str:
    found = _DEB822_URIS.search(paragraph)
    uris = found[1].split() if found else []
    kept = [uri for uri in uris if _normal(uri) not in unwanted]
    if found is None or len(kept) == len(uris):
        return paragraph
    if kept:
        return paragraph.replace(found[0], f"URIs: {' '.join(kept)}")
    plain = _DEB822_ENABLED.sub("", paragraph)
    return plain.replace(found[0], f"Enabled: no\n{found[0]}")


def _without_yum(section: str, unwanted: Collection[str]) -> str:
    found = _YUM_URL.search(section)
    if found is None or not any(_normal(url) in unwanted for url in found[1].split()):
        return section
    if _YUM_ENABLED.search(section):
        return _YUM_ENABLED.sub("enabled=0", section)
    return section.replace(found[0], f"enabled=0\n{found[0]}")


def _normal(url: str) -> str:
    """One spelling for one place: ``file:///a/`` and ``file:/a``, ``HTTP://Host//a`` too."""
    parts = urlsplit(url)
    path = re.sub(r"/+", "/", parts.path).rstrip("/")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path}"
