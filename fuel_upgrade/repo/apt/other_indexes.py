"""The indexes of a suite beside ``Packages``: find and filter translations and contents."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path

from fuel_upgrade.repo.apt.index_files import FASTEST_FIRST
from fuel_upgrade.repo.repo import IndexChoice

_MD5_FIELD = re.compile(rb"^Description-md5:[ \t]*(\w+)", re.MULTILINE | re.IGNORECASE)
_DESCRIPTION = re.compile(rb"^Description:[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)
_HEADING = re.compile(rb"FILE\s+LOCATION\s*$")
_HEADER_LINES = 200  # archives before 2014 have some 30 lines of text before the heading


class ExtraKind(StrEnum):
    """The purpose of such an index; the value is the word in reports."""

    TRANSLATIONS = "translations"
    CONTENTS = "contents"
    UDEBS = "udebs"
    SOURCES = "sources"


@dataclass(frozen=True, slots=True)
class Extra:
    """One such index: its path in the suite, without the suffix of a form.

    ``component`` is empty for one of the whole suite, ``architecture`` if it has none.
    """

    kind: ExtraKind
    stem: str
    component: str = ""
    architecture: str = ""

    def __str__(self) -> str:
        """Return ``KIND PATH``, as ``diff.yaml`` lists dropped indexes."""
        return f"{self.kind.value} {self.stem}"


_PLACES = (
    (ExtraKind.TRANSLATIONS, "{component}/i18n", "Translation-*"),
    (ExtraKind.CONTENTS, "", "Contents-*"),
    (ExtraKind.CONTENTS, "{component}", "Contents-*"),
    (ExtraKind.UDEBS, "{component}/debian-installer", "binary-*/Packages*"),
    (ExtraKind.SOURCES, "{component}/source", "Sources*"),
)


def find_extras(folder: Path, components: Iterable[str]) -> tuple[Extra, ...]:
    """Return such indexes below the folder of a suite, sorted by kind and path."""
    extras = {
        _extra(kind, path.relative_to(folder), component)
        for component in components
        for kind, place, pattern in _PLACES
        for path in (folder / place.format(component=component)).glob(pattern)
        if path.is_file() and path.suffix in (*FASTEST_FIRST, *_plain_suffixes(path))
    }
    return tuple(sorted(extras, key=lambda extra: (extra.kind, extra.stem)))


def is_chosen(extra: Extra, choice: IndexChoice) -> bool:
    """Return whether ``choice`` includes an index."""
    match extra.kind:
        case ExtraKind.TRANSLATIONS:
            return choice.translations
        case ExtraKind.CONTENTS:
            return choice.contents
        case _:
            return False


def _plain_suffixes(path: Path) -> tuple[str, ...]:
    """Accept languages with a dot (``Translation-sr.latin``): no form has two dots."""
    return (path.suffix,) if path.name.startswith("Translation-") else ()


def _extra(kind: ExtraKind, path: Path, component: str) -> Extra:
    stem = str(path.with_suffix("")) if path.suffix in FASTEST_FIRST else str(path)
    name = stem.rsplit("/", 1)[-1]
    architecture = name.removeprefix("Contents-") if kind is ExtraKind.CONTENTS else ""
    if architecture == "source" or architecture.startswith("udeb-"):
        kind = ExtraKind.SOURCES if architecture == "source" else ExtraKind.UDEBS
    return Extra(kind, stem, component if "/" in stem else "", architecture)


def description_md5(stanza: bytes) -> bytes:
    """Return the key of a package's translations: its ``Description-md5``.

    Without this field it is the MD5 of the ``Description`` and a line feed, as in apt.
    """
    if match := _MD5_FIELD.search(stanza):
        return match[1].lower()
    text = _DESCRIPTION.search(stanza)
    value = text[1] if text else b""
    return hashlib.md5(value + b"\n", usedforsecurity=False).hexdigest().encode()


def filter_translations(batches: Iterable[list[bytes]], keys: Collection[bytes]) -> Iterator[bytes]:
    """Yield the stanzas of a ``Translation`` file for these keys, each with its blank line."""
    for text in chain.from_iterable(batches):
        match = _MD5_FIELD.search(text)
        if match and match[1].lower() in keys:
            yield text.strip(b"\n") + b"\n\n"


def filter_contents(lines: Iterable[bytes], names: Collection[bytes]) -> Iterator[bytes]:
    """Yield the lines of a ``Contents`` file with these packages, without other packages.

    A line is a path and ``[[AREA/]SECTION/]NAME``, several separated by commas. The text before
    the heading of old files is left out.
    """
    rest = iter(lines)
    head = list(islice(rest, _HEADER_LINES))
    starts = [number for number, line in enumerate(head, start=1) if _HEADING.match(line)]
    for line in chain(head[starts[0] if starts else 0 :], rest):
        words = line.rsplit(None, 1)
        if len(words) != 2:  # noqa: PLR2004 - a path and its packages
            continue
        places = [p for p in words[1].split(b",") if p.rsplit(b"/", 1)[-1] in names]
        if places:
            yield words[0] + b" " + b",".join(places) + b"\n"
