"""Yum repos whose other metadata is missing, not in step with primary, or malformed."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.yum_extras import advisory, comps, rewrite, updates

_ENTRY = re.compile(r"<package [^>]*pkgid=.*?</package>\n", re.DOTALL)
_FIRST_VERSION = re.compile(r"<version [^>]*/>")
_CHANGE = '\\g<0><changelog author="x" date="1">a \x1b change</changelog>'


def _without_first(text: str) -> str:
    return _ENTRY.sub("", text, count=1)


def _reversed(text: str) -> str:
    entries = _ENTRY.findall(text)
    return text.replace("".join(entries), "".join(reversed(entries)))


def _cut_short(text: str) -> str:
    return text[: text.rindex("<package ")] if "<package " in text else text


def _with_control_character(text: str) -> str:
    return _FIRST_VERSION.sub(_CHANGE, text, count=1)


SHAPES: Mapping[str, Callable[[Path], Path]] = {
    "all metadata": lambda root: root,
    "no filelists": lambda root: rewrite(root, {}, without="filelists"),
    "no other": lambda root: rewrite(root, {}, without="other"),
    "filelists without a package": lambda root: rewrite(
        root, {}, edits={"filelists": _without_first}
    ),
    "filelists in another order": lambda root: rewrite(root, {}, edits={"filelists": _reversed}),
    "a control character in other": lambda root: rewrite(
        root, {}, edits={"other": _with_control_character}
    ),
    "other cut short": lambda root: rewrite(root, {}, edits={"other": _cut_short}),
    "groups and advisories": lambda root: rewrite(
        root,
        {"group": comps({"g": ["alpha"]}), "updateinfo": updates(advisory("A", "alpha-1.0-1"))},
    ),
    "a control character in an advisory": lambda root: rewrite(
        root, {"updateinfo": updates(advisory("A", "alpha-1.0-1", title="a \x1b title"))}
    ),
    "groups cut short": lambda root: rewrite(root, {"group": comps({"g": ["alpha"]})[:-20]}),
    "filelists cut short": lambda root: rewrite(root, {}, edits={"filelists": _cut_short}),
}
"""The ways to change a repo in place, by name."""
