"""Read the identities in ``Packages`` files with a library, for proofs.

apt's own parser reads them where python3-apt is installed. It belongs to the Python of the system,
which therefore runs :data:`_PROGRAM`. Elsewhere python-debian reads them, some 30 times slower.
"""

import tempfile
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from itertools import takewhile
from pathlib import Path

from debian.deb822 import Packages

from fuel_upgrade.errors import BundleError, CommandError
from fuel_upgrade.repo.package import Identity
from fuel_upgrade.system import process
from fuel_upgrade.system.compression import DAMAGE, open_stream

APT_PKG, PYTHON_DEBIAN = "apt_pkg", "python-debian"
_PYTHON = "/usr/bin/python3"
_BINDINGS = Path("/usr/lib/python3/dist-packages")  # where Debian and Ubuntu install python3-apt
_CHECKSUM_FIELDS = {"sha256": "SHA256", "sha512": "SHA512", "sha1": "SHA1", "md5": "MD5sum"}
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
            line = b" ".join(row) + b"\0" + (value(location) or b"")
            write(line.replace(b"\n", b" ") + b"\n")
    except (apt_pkg.Error, SystemError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        sys.exit(3)
    write(b"\n")
"""

Row = tuple[Identity, str]
"""An identity, which ends with a space if the entry lacks the checksum, and the location."""


def reader_name() -> str:
    """Return the name of the library that reads the indexes on this host."""
    return APT_PKG if any(_BINDINGS.glob("apt_pkg*.so")) else PYTHON_DEBIAN


def read_rows(paths: Sequence[Path], algorithm: str) -> Iterator[tuple[Path, Row]]:
    """Yield the entries of ``Packages`` files in any form, with their checksums of one algorithm.

    Raises:
        BundleError: the library refuses a file, or a field that names the package is missing, or
            has a space or several lines.
    """
    keys = ("Package", "Architecture", "Version", _CHECKSUM_FIELDS[algorithm], "Filename")
    read = _read_by_apt if reader_name() == APT_PKG else _read_by_python_debian
    for path, line in read(paths, keys):
        identity, _, location = line.partition("\0")
        if identity.count(" ") != _SPACES or "  " in identity or identity.startswith(" "):
            raise BundleError(
                f"{path}: the entry {line!r} lacks or garbles a field", remedy=_REMEDY
            )
        yield path, (identity, location)


def _read_by_apt(paths: Sequence[Path], keys: Sequence[str]) -> Iterator[tuple[Path, str]]:
    argv = (_PYTHON, "-I", "-c", _PROGRAM, " ".join(keys), *map(str, paths))
    with tempfile.TemporaryFile() as output:  # memory does not grow with the indexes
        try:
            process.run(argv, timeout_s=_TIMEOUT_S, output=output)
        except CommandError as error:
            if error.returncode != _REFUSED:
                raise
            reason = error.stderr_tail.strip()
            raise BundleError(f"apt cannot read an index: {reason}", remedy=_REMEDY) from error
        output.seek(0)
        lines = TextIOWrapper(output, encoding="utf-8", errors="replace", newline="\n")
        for path in paths:
            yield from ((path, line[:-1]) for line in takewhile("\n".__ne__, lines))


def _read_by_python_debian(
    paths: Sequence[Path], keys: Sequence[str]
) -> Iterator[tuple[Path, str]]:
    *texts, checksum, location = keys
    for path in paths:
        try:
            with open_stream(path) as stream:
                for entry in Packages.iter_paragraphs(stream, use_apt_pkg=False):
                    row = [str(entry.get(key, "")).strip() for key in texts]
                    row.append(str(entry.get(checksum, "")).strip().lower())
                    yield path, f"{' '.join(row)}\0{entry.get(location, '')}".replace("\n", " ")
        except (*DAMAGE, ValueError) as error:
            raise BundleError(f"{path}: {error}", remedy=_REMEDY) from error
