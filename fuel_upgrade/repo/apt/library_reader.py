"""Read the identities in ``Packages`` files with a library, for proofs.

apt's own parser reads them where python3-apt is installed. It belongs to the Python of the system,
which therefore runs :data:`_PROGRAM`. Elsewhere python-debian reads them, some 30 times slower.
"""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice, starmap, takewhile
from pathlib import Path
from typing import BinaryIO

from debian.deb822 import Packages

from fuel_upgrade.errors import BundleError, CommandError
from fuel_upgrade.repo.package import Identity
from fuel_upgrade.system import process
from fuel_upgrade.system.compression import DAMAGE, open_index

APT_PKG, PYTHON_DEBIAN = "apt_pkg", "python-debian"
_PYTHON = "/usr/bin/python3"
_BINDINGS = Path("/usr/lib/python3/dist-packages")  # where Debian and Ubuntu install python3-apt
_CHECKSUM_FIELDS = {"sha256": "SHA256", "sha512": "SHA512", "sha1": "SHA1", "md5": "MD5sum"}
_READ_BYTES = 1 << 20
_TIMEOUT_S = 600
_REMEDY = "rebuild the repo's indexes, for example with apt-ftparchive"
_SPACES = 3  # in an identity
_REFUSED = 3
_PROGRAM = r"""
import sys, apt_pkg
*keys, checksum, location = sys.argv[1].split()
write = sys.stdout.buffer.write
for path in sys.argv[2:]:
    try:
        index = apt_pkg.TagFile(path, bytes=True)
        while index.step():  # as an iterator it ends at a carriage return without an error
            value = index.section.get
            row = [(value(key) or b"").strip() for key in keys]
            row.append((value(checksum) or b"").strip().lower())
            if not row[-1]:
                row[-1] = b"\0" + (value(location) or b"")
            write(b" ".join(row).replace(b"\n", b" ") + b"\n")
    except (apt_pkg.Error, SystemError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        sys.exit(3)
    write(b"\n")
"""
_LINES = 4096  # of a part
_ODD = ("\0", "  ", "\n ", " \n")  # a missing checksum, and empty fields


@dataclass(frozen=True, slots=True)
class ReadPart:
    """Identities of a part of an index.

    ``incomplete`` are those without a checksum, which end with a space, with their locations.
    """

    path: Path
    identities: Sequence[Identity]
    incomplete: Sequence[tuple[Identity, str]] = ()


def reader_name() -> str:
    """Return the name of the library that reads the indexes on this host."""
    return APT_PKG if any(_BINDINGS.glob("apt_pkg*.so")) else PYTHON_DEBIAN


def read_identities(paths: Sequence[Path], algorithm: str) -> Iterator[ReadPart]:
    """Read ``Packages`` files in any form, with their checksums of one algorithm.

    apt's own parser starts at once, beside this process.

    Raises:
        BundleError: the library refuses a file, or a field that names the package is missing, or
            has a space or several lines; raised by the iteration.
    """
    keys = ("Package", "Architecture", "Version", _CHECKSUM_FIELDS[algorithm], "Filename")
    read = _read_by_apt if reader_name() == APT_PKG else _read_by_python_debian
    return starmap(_part, read(paths, keys))


def _part(path: Path, lines: Sequence[str]) -> ReadPart:
    text = "\n" + "".join(lines)
    if {line.count(" ") for line in lines} == {_SPACES} and not any(odd in text for odd in _ODD):
        return ReadPart(path, text.split("\n")[1:-1])
    rows = [_row(line[:-1], path) for line in lines]
    return ReadPart(
        path,
        [identity for identity, _ in rows if not identity.endswith(" ")],
        [row for row in rows if row[0].endswith(" ")],
    )


def _row(line: str, path: Path) -> tuple[Identity, str]:
    identity, _, location = line.partition("\0")
    if identity.count(" ") != _SPACES or "  " in identity or identity.startswith(" "):
        raise BundleError(f"{path}: the entry {line!r} lacks or garbles a field", remedy=_REMEDY)
    return identity, location


def _parts(path: Path, lines: Iterator[str]) -> Iterator[tuple[Path, list[str]]]:
    while part := list(islice(lines, _LINES)):
        yield path, part


class _Output:
    """A file without a name, which is closed even if nothing reads it."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object

    def __del__(self) -> None:
        self.file.close()


def _read_by_apt(paths: Sequence[Path], keys: Sequence[str]) -> Iterator[tuple[Path, list[str]]]:
    beside = ThreadPoolExecutor(1)
    output = beside.submit(_run_apt, paths, keys)
    beside.shutdown(wait=False)
    return _lines_of(output, paths)


def _refuse_bomb(path: Path) -> None:
    try:
        with open_index(path) as stream:
            while stream.read(_READ_BYTES):
                pass
    except DAMAGE as error:
        raise BundleError(f"{path}: {error}", remedy=_REMEDY) from error


def _run_apt(paths: Sequence[Path], keys: Sequence[str]) -> _Output:
    argv = (_PYTHON, "-I", "-c", _PROGRAM, " ".join(keys), *map(str, paths))
    for path in filter(lambda path: path.suffix, paths):  # apt has no bound of its own
        _refuse_bomb(path)
    output = _Output()  # memory does not grow with the indexes
    try:
        process.run(argv, timeout_s=_TIMEOUT_S, output=output.file)
    except CommandError as error:
        if error.returncode != _REFUSED:
            raise
        reason = error.stderr_tail.strip()
        raise BundleError(f"apt cannot read an index: {reason}", remedy=_REMEDY) from error
    return output


def _lines_of(running: Future[_Output], paths: Sequence[Path]) -> Iterator[tuple[Path, list[str]]]:
    output = running.result()
    output.file.seek(0)
    lines = TextIOWrapper(output.file, encoding="utf-8", errors="replace", newline="\n")
    for path in paths:
        yield from _parts(path, takewhile("\n".__ne__, lines))


def _read_by_python_debian(
    paths: Sequence[Path], keys: Sequence[str]
) -> Iterator[tuple[Path, list[str]]]:
    for path in paths:
        try:
            with open_index(path) as stream:
                yield from _parts(path, _debian_lines(stream, keys))
        except (*DAMAGE, ValueError) as error:
            raise BundleError(f"{path}: {error}", remedy=_REMEDY) from error


def _debian_lines(stream: BinaryIO, keys: Sequence[str]) -> Iterator[str]:
    *texts, checksum, location = keys
    for entry in Packages.iter_paragraphs(stream, use_apt_pkg=False):
        row = [str(entry.get(key, "")).strip() for key in texts]
        value = str(entry.get(checksum, "")).strip().lower()
        row.append(value or f"\0{entry.get(location, '')}")
        yield " ".join(row).replace("\n", " ") + "\n"
