"""Read the identities in the metadata of a yum repo with expat, for proofs.

createrepo_c, which reads it for everything else, uses another XML parser.
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from xml.parsers.expat import ExpatError, ParserCreate, XMLParserType

from fuel_upgrade.errors import BundleError, CommandError
from fuel_upgrade.repo.package import checked_location
from fuel_upgrade.system import process
from fuel_upgrade.system.compression import DAMAGE, open_index

READER = "expat"
_CHUNK_BYTES = 1 << 20
_PACKAGE_BYTES = 16 << 20  # longer ones are parsed whole
_SEPARATOR = " "  # between the namespace of an element and its name
_COMMON, _REPO = "http://linux.duke.edu/metadata/common ", "http://linux.duke.edu/metadata/repo "
_TEXTS = {_COMMON + name: name for name in ("name", "arch", "checksum")}
_VERSION, _LOCATION, _PACKAGE = _COMMON + "version", _COMMON + "location", _COMMON + "package"
_REMEDY = "rebuild the metadata with createrepo_c"

_SHORT_BYTES = 1 << 20  # read here: to start a process takes longer
_TREE = Path(__file__).parents[3]
_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from fuel_upgrade.repo.yum.expat_reader import write_rows
write_rows(sys.argv[2])
"""
_TIMEOUT_S = 600
_REFUSED = 3

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
    path = root / checked_location(repomd.locations[0], source=str(source))
    long = path.is_file() and path.stat().st_size > _SHORT_BYTES
    yield from _read_beside(path) if long else _rows(path)


def _rows(path: Path) -> Iterator[Row]:
    primary = _Primary()
    for _ in _parse(path, primary.parser):
        yield from primary.rows
        primary.rows.clear()
    try:
        primary.end()
    except KeyError as error:
        raise BundleError(f"{path}: the last package lacks {error}", remedy=_REMEDY) from error
    yield from primary.rows


def _read_beside(path: Path) -> Iterator[Row]:
    """Read in a process of its own: expat keeps Python's lock, and there are more cores.

    Raises:
        BundleError: expat refuses the file.
    """
    argv = (sys.executable, "-I", "-c", _PROGRAM, str(_TREE), str(path))
    with tempfile.TemporaryFile() as output:  # memory does not grow with the metadata
        try:
            process.run(argv, timeout_s=_TIMEOUT_S, output=output)
        except CommandError as error:
            if error.returncode != _REFUSED:
                raise
            raise BundleError(error.stderr_tail.strip(), remedy=_REMEDY) from error
        output.seek(0)
        for line in TextIOWrapper(output, encoding="utf-8", newline="\n"):
            key, location, kind, checksum = line[:-1].split("\0")
            yield key, location, kind, checksum


def write_rows(path: str) -> None:
    """Write the rows of a file to stdout; exit with 3 and the fault on stderr if there is one."""
    try:
        for row in _rows(Path(path)):
            line = "\0".join(row).replace("\n", " ")  # no value of a package has a line break
            sys.stdout.buffer.write(f"{line}\n".encode())
    except BundleError as error:
        sys.stderr.write(error.what)
        sys.exit(_REFUSED)


def _parse(path: Path, parser: XMLParserType) -> Iterator[None]:
    """Parse a file in chunks, and yield after each of them."""
    try:
        with open_index(path) as stream:
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
    """The rows of the packages so far.

    There is no handler for the end of elements, which would take a third of the time: the text of
    an element ends where the next element begins.
    """

    def __init__(self) -> None:
        self.parser = ParserCreate(namespace_separator=_SEPARATOR)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.rows: list[Row] = []
        self._values: dict[str, str] = {}
        self._text: list[str] = []
        self._name = ""

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._name:
            self.parser.CharacterDataHandler = None
            self._values[self._name] = "".join(self._text).strip()
            self._name = ""
        if name in _TEXTS:
            self._name, self._text = _TEXTS[name], []
            self.parser.CharacterDataHandler = self._text.append
            self._values |= attributes  # of the checksum: its type
        elif name in (_VERSION, _LOCATION):
            self._values |= attributes
        elif name == _PACKAGE:
            self.end()

    def end(self) -> None:
        """Add the row of the last package."""
        if self._values:
            self.rows.append(_row(self._values))
        self._values = {}


def _row(values: Mapping[str, str]) -> Row:
    epoch = f"{values['epoch']}:" if values.get("epoch", "0") not in ("", "0") else ""
    key = f"{values['name']} {values['arch']} {epoch}{values['ver']}-{values['rel']}"
    kind = "sha1" if values["type"] == "sha" else values["type"]
    return key, values["href"], kind, values["checksum"]
