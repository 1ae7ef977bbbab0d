"""Read the identities in the metadata of yum repos with expat, for proofs.

createrepo_c, which reads it for everything else, uses another XML parser.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from xml.parsers.expat import ExpatError, ParserCreate

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import checked_location
from fuel_upgrade.system.compression import DAMAGE, open_index

READER = "expat"
_CHUNK_BYTES = 1 << 20
_PACKAGE_BYTES = 16 << 20  # longer ones are parsed whole
_SEPARATOR = " "  # between the namespace of an element and its name
_COMMON, _REPO = "http://linux.duke.edu/metadata/common ", "http://linux.duke.edu/metadata/repo "
_ELEMENTS = {
    _COMMON + name: name for name in ("package", "name", "arch", "version", "checksum", "location")
}
_WITHOUT_TEXT = ("version", "location")
_START, _END = b"<package ", b"</package>"
_COUNT = re.compile(rb' packages="[0-9]+"')
_KEY_BYTES = 16
_REMEDY = "rebuild the metadata with createrepo_c"

Lines = Sequence[str]
"""Identities; for a package without the checksum, ``name architecture version \\0location``."""

_Known = dict[bytes, dict[bytes, str]]
"""By the text before the first package: the lines of packages, by a digest of their text."""


def read_lines(roots: Sequence[Path], algorithm: str) -> list[Iterator[Lines]]:
    """Read the packages in the primary metadata of repos, a text that repeats once.

    Raises:
        BundleError: expat refuses it, or ``repomd.xml`` does not list exactly one; raised by the
            iteration.
    """
    known: _Known = {}
    return [_read(root, algorithm, known) for root in roots]


def _read(root: Path, algorithm: str, known: _Known) -> Iterator[Lines]:
    source, repomd = root / "repodata/repomd.xml", _Repomd()
    with _faults_of(source), open_index(source) as stream:
        repomd.parser.ParseFile(stream)
    if len(repomd.locations) != 1:
        raise BundleError(
            f"{source}: lists {len(repomd.locations)} files of type primary, expected one",
            remedy=_REMEDY,
        )
    path = root / checked_location(repomd.locations[0], source=str(source))
    primary, rest = _Primary(algorithm, known), b""
    with _faults_of(path), open_index(path) as stream:
        for chunk in iter(partial(stream.read, _CHUNK_BYTES), b""):
            *texts, rest = (rest + chunk).split(_END)
            yield primary.read([_without_format(text) for text in texts])
            if len(rest) > _PACKAGE_BYTES:
                primary.parse(rest)
                rest = b""
        primary.parser.Parse(rest, True)  # noqa: FBT003 - takes no keyword
        yield primary.end()


@contextmanager
def _faults_of(path: Path) -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise BundleError(f"{path}: an entry lacks {error}", remedy=_REMEDY) from error
    except (*DAMAGE, ExpatError, LookupError, ValueError) as error:
        raise BundleError(f"{path}: {error}", remedy=_REMEDY) from error


def _without_format(text: bytes) -> bytes:
    """Leave the ``format`` of a package out, which is most of the text and has no identity.

    In another spelling it is parsed with the rest.
    """
    before, _, details = text.partition(b"<format>")
    _, end, after = details.partition(b"</format>")
    return b"".join((before, after, _END) if end else (text, _END))


class _Repomd:
    """The locations of primary metadata in ``repomd.xml``."""

    def __init__(self) -> None:
        self.parser = ParserCreate(namespace_separator=_SEPARATOR)
        self.parser.StartElementHandler = self._start
        self.locations: list[str] = []
        self._type = ""

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == _REPO + "data":
            self._type = attributes["type"]
        elif name == _REPO + "location" and self._type == "primary":
            self.locations.append(attributes["href"])


class _Primary:
    """Parses the packages of a file, those with a new text only.

    There is no handler for the end of elements, which would take a third of the time: the text of
    an element ends where the next element begins.
    """

    def __init__(self, algorithm: str, known: _Known) -> None:
        self.parser = ParserCreate(namespace_separator=_SEPARATOR)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self._algorithm = algorithm
        self._known_by_head = known
        self._known: dict[bytes, str] | None = None
        self._is_begun = False
        self._lines: list[str] = []
        self._values: dict[str, str] = {}
        self._text: list[str] = []
        self._name = ""

    def read(self, texts: list[bytes]) -> Lines:
        """Return the lines of the packages that end in ``texts``, each with its end."""
        if texts and not self._is_begun:
            texts[0] = self._begin(texts[0])
        if self._known is None:
            self.parse(b"".join(texts))
            return self._take()
        lines = list[str]()
        for index, text in enumerate(map(bytes.lstrip, texts)):
            key = blake2b(text, digest_size=_KEY_BYTES).digest()
            if line := self._known.get(key):
                lines.append(line)
            elif _is_plain(text):
                self.parser.Parse(text)
                self._add()
                if len(self._lines) == 1:
                    self._known[key] = self._lines[0]
                lines += self._take()
            else:
                self.parse(b"".join(texts[index:]))
                break
        return [*lines, *self._take()]

    def parse(self, text: bytes) -> None:
        """Parse text that may hide packages behind it, or is no whole package."""
        self._is_begun, self._known = True, None
        self.parser.Parse(text)

    def _begin(self, text: bytes) -> bytes:
        """Parse the text before the first package, and return the rest."""
        self._is_begun = True
        head, start, rest = text.partition(_START)
        if b"<!" not in head:
            self._known = self._known_by_head.setdefault(_COUNT.sub(b"", head), {})
        self.parser.Parse(head)
        return start + rest

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._name:
            self.parser.CharacterDataHandler = None
            self._values[self._name] = "".join(self._text).strip()
            self._name = ""
        element = _ELEMENTS.get(name)
        if element is None:
            return
        if element == "package":
            self._add()
            return
        self._values |= attributes  # of the checksum: its type
        if element not in _WITHOUT_TEXT:
            self._name, self._text = element, []
            self.parser.CharacterDataHandler = self._text.append

    def _add(self) -> None:
        """Add the line of the package so far."""
        if self._values:
            self._lines.append(_line(self._values, self._algorithm))
        self._values = {}

    def _take(self) -> Lines:
        lines, self._lines = self._lines, []
        return lines

    def end(self) -> Lines:
        """Return the other lines, with that of the last package."""
        self._add()
        return self._take()


def _is_plain(text: bytes) -> bool:
    """Return whether it is one element without comments: the same package in any context."""
    return (
        text.startswith(_START)
        and text.count(b"<package") == 1 + text.count(b"<packager")
        and b"<!" not in text
        and b"<?" not in text
    )


def _line(values: Mapping[str, str], algorithm: str) -> str:
    epoch = f"{values['epoch']}:" if values.get("epoch", "0") not in ("", "0") else ""
    key = f"{values['name']} {values['arch']} {epoch}{values['ver']}-{values['rel']}"
    kind = "sha1" if values["type"] == "sha" else values["type"]
    location, checksum = values["href"], values["checksum"]
    value = checksum if kind == algorithm else f"\0{location}"
    return f"{key} {value}".replace("\n", " ")  # no part of an identity has a line break
