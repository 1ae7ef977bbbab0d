"""Read the identities in the metadata of a yum repo with expat, for proofs.

createrepo_c, which reads it for everything else, uses another XML parser.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from xml.parsers.expat import ExpatError, ParserCreate, XMLParserType

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import checked_location
from fuel_upgrade.system.compression import DAMAGE, open_stream

READER = "expat"
_CHUNK_BYTES = 1 << 20
_PACKAGE_BYTES = 16 << 20  # longer ones are parsed whole
_SEPARATOR = " "  # between the namespace of an element and its name
_COMMON, _REPO = "http://linux.duke.edu/metadata/common ", "http://linux.duke.edu/metadata/repo "
_TEXTS = {_COMMON + name: name for name in ("name", "arch", "checksum")}
_VERSION, _LOCATION, _PACKAGE = _COMMON + "version", _COMMON + "location", _COMMON + "package"
_REMEDY = "rebuild the metadata with createrepo_c"

Row = tuple[str, str, str, str]
"""``name architecture version``, location, and kind and value of the checksum."""


def read_rows(root: Path) -> Iterator[Row]:
    """Yield the packages in the primary metadata of the repo at ``root``.

    Raises:
        BundleError: expat refuses it, or ``repomd.xml`` does not list exactly one.
    """
    source, repomd = root / "repodata/repomd.xml", _Repomd()
    for _ in _parse(source, repomd.parser):
        pass
    if len(repomd.locations) != 1:
        raise BundleError(
            f"{source}: lists {len(repomd.locations)} files of type primary, expected one",
            remedy=_REMEDY,
        )
    path, primary = root / checked_location(repomd.locations[0], source=str(source)), _Primary()
    for _ in _parse(path, primary.parser):
        yield from primary.rows
        primary.rows.clear()


def _parse(path: Path, parser: XMLParserType) -> Iterator[None]:
    """Parse a file in chunks, and yield after each of them."""
    try:
        with open_stream(path) as stream:
            for text in _without_formats(iter(partial(stream.read, _CHUNK_BYTES), b"")):
                parser.Parse(text)
                yield
            parser.Parse(b"", True)  # noqa: FBT003 - takes no keyword
    except (*DAMAGE, ExpatError, LookupError, ValueError) as error:
        raise BundleError(f"{path}: {error}", remedy=_REMEDY) from error


def _without_formats(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Leave the ``format`` of each package out, which is most of the text and has no identity.

    This takes a third of the time. In another spelling it is parsed with the rest.
    """
    rest = b""
    for chunk in chunks:
        text = rest + chunk
        end = text.rfind(b"</package>")
        if end < 0 and len(text) < _PACKAGE_BYTES:
            rest = text
            continue
        if end < 0:
            yield text
            rest = b""
            continue
        head, *others = text[:end].split(b"<format>")
        yield b"".join((head, *(other.partition(b"</format>")[2] for other in others)))
        rest = text[end:]
    yield rest


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
    """The rows of the packages that ended already."""

    def __init__(self) -> None:
        self.parser = ParserCreate(namespace_separator=_SEPARATOR)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.rows: list[Row] = []
        self._values: dict[str, str] = {}
        self._text: list[str] = []

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name in _TEXTS:
            self._text = []
            self.parser.CharacterDataHandler = self._text.append
            self._values |= attributes  # of the checksum: its type
        elif name in (_VERSION, _LOCATION):
            self._values |= attributes
        elif name == _PACKAGE:
            self._values = {}

    def _end(self, name: str) -> None:
        if self.parser.CharacterDataHandler and name in _TEXTS:
            self.parser.CharacterDataHandler = None
            self._values[_TEXTS[name]] = "".join(self._text).strip()
        elif name == _PACKAGE:
            self.rows.append(_row(self._values))


def _row(values: Mapping[str, str]) -> Row:
    epoch = f"{values['epoch']}:" if values.get("epoch", "0") not in ("", "0") else ""
    key = f"{values['name']} {values['arch']} {epoch}{values['ver']}-{values['rel']}"
    kind = "sha1" if values["type"] == "sha" else values["type"]
    return key, values["href"], kind, values["checksum"]
