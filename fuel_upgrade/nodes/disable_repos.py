"""Disable the repos of a chain in the other source files of a node. Pure.

A repo in a second file breaks the order of the chain: apt reads ``sources.list`` before our file,
and dnf applies neither priority nor excludes to the second entry.
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
    """Return the text of a sources file with the repos at ``urls`` disabled.

    Lines of lists are commented out, deb822 paragraphs and yum sections disabled; the rest of the
    file is unchanged.
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
    match = _APT_LINE.match(line)
    return _NOTE + line if match and _normal(match[1]) in unwanted else line


def _without_deb822(paragraph: str, unwanted: Collection[str]) -> str:
    field = _DEB822_URIS.search(paragraph)
    uris = field[1].split() if field else []
    kept = [uri for uri in uris if _normal(uri) not in unwanted]
    if field is None or len(kept) == len(uris):
        return paragraph
    if kept:
        return paragraph.replace(field[0], f"URIs: {' '.join(kept)}")
    plain = _DEB822_ENABLED.sub("", paragraph)
    return plain.replace(field[0], f"Enabled: no\n{field[0]}")


def _without_yum(section: str, unwanted: Collection[str]) -> str:
    option = _YUM_URL.search(section)
    if option is None or not any(_normal(url) in unwanted for url in option[1].split()):
        return section
    if _YUM_ENABLED.search(section):
        return _YUM_ENABLED.sub("enabled=0", section)
    return section.replace(option[0], f"enabled=0\n{option[0]}")


def _normal(url: str) -> str:
    """Normalise a URL: ``file:///a/`` equals ``file:/a``, ``HTTP://Host//a`` equals ``http://host/a``."""
    parts = urlsplit(url)
    path = re.sub(r"/+", "/", parts.path).rstrip("/")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path}"
