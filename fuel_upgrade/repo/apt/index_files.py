"""The forms of one index, plain and compressed: choose one to read, write all in one pass."""

import bz2
import gzip
import hashlib
import lzma
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from io import RawIOBase
from pathlib import Path
from typing import IO, Any, TypeVar

import zstandard

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.release_file import Listed
from fuel_upgrade.repo.apt.stanza import RELEASE_DIGESTS, FileSums, iter_texts, split_stanzas
from fuel_upgrade.system.compression import DAMAGE, open_index
from fuel_upgrade.system.files import hash_file

FASTEST_FIRST = ("", ".zst", ".gz", ".xz", ".lzma", ".bz2")
"""The suffixes of the forms of an index, in the order for reading from disk."""
SMALLEST_FIRST = (".xz", ".lzma", ".zst", ".bz2", ".gz", "")
"""The same in the order for fetching and shipping."""
_STRENGTH = ("sha512", "sha256", "sha1", "md5")
USUAL = ("", ".gz")
_GZIP_LEVEL = 6
_XZ_PRESET = 0  # a tenth larger than 2, in a fifth of the time; where the current repo has xz
_WRITE_BYTES = 256 << 10  # each write waits for the interpreter lock
_Part = TypeVar("_Part")
_COMPRESSORS: Mapping[str, Callable[[Any], Any]] = {
    ".gz": lambda sink: gzip.GzipFile("", "wb", _GZIP_LEVEL, sink, mtime=0),
    ".xz": lambda sink: lzma.LZMAFile(sink, "wb", preset=_XZ_PRESET),  # noqa: SIM115 - the caller closes it
    ".lzma": lambda sink: lzma.LZMAFile(sink, "wb", format=lzma.FORMAT_ALONE),  # noqa: SIM115
    ".bz2": lambda sink: bz2.BZ2File(sink, "wb"),
    ".zst": lambda sink: zstandard.ZstdCompressor().stream_writer(sink, closefd=False),
}


def present_forms(folder: Path, stem: str) -> tuple[str, ...]:
    """Return the suffixes of the forms of an index that exist."""
    return tuple(suffix for suffix in FASTEST_FIRST if (folder / (stem + suffix)).is_file())


def choose_form(folder: Path, stem: str, listed: Listed) -> Path | None:
    """Return the form of an index that is read fastest, after checking all; None if none exists.

    If ``Release`` lists any form, only listed forms count.

    Raises:
        BundleError: a form differs from ``Release``, or in its content from another form.
    """
    names = [stem + suffix for suffix in present_forms(folder, stem)]
    if any(stem + suffix in listed for suffix in FASTEST_FIRST):
        names = [name for name in names if name in listed]
    if not names:
        return None
    paths = [folder / name for name in names]
    _check_all(paths, [listed.get(name) for name in names], folder / stem, listed.get(stem))
    return paths[0]


def _check_all(
    paths: Sequence[Path],
    sums: Sequence[FileSums | None],
    plain: Path,
    content: FileSums | None,
) -> None:
    """Check each form, and that all have one content, that of ``plain`` if ``Release`` lists it."""
    algorithm = min(content.values, key=_STRENGTH.index) if content else "sha256"
    expected = (content.size_bytes, content.values[algorithm]) if content else None
    packed = [path for path in paths if path != plain or expected is None]
    if len(packed) + (expected is not None) < 2:  # noqa: PLR2004 - two contents to compare
        packed = []
    with ThreadPoolExecutor() as pool:  # hashing and decompression release Python's lock
        checks = pool.map(_check, paths, sums)
        contents = pool.map(partial(_content_sum, algorithm=algorithm), packed)
        list(checks)  # raises the first error
        for path, actual in zip(packed, contents, strict=True):
            expected = expected or actual
            if actual != expected:
                raise BundleError(
                    f"{path}: its content differs from that of {plain.name} in another form, or"
                    " in Release",
                    remedy="write the index again in all its forms, and Release",
                )


def _content_sum(path: Path, algorithm: str) -> tuple[int, str]:
    """Return the size and the checksum of the content of a form."""
    digest, size = hashlib.new(algorithm, usedforsecurity=False), 0
    try:
        with open_index(path) as stream:
            while data := stream.read(_WRITE_BYTES):
                digest.update(data)
                size += len(data)
    except DAMAGE as error:
        raise _damaged(path, error) from error
    return size, digest.hexdigest()


def _require_whole_zstd(path: Path) -> None:
    """Refuse a file that ends within a frame: stream reading would accept it as complete."""
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    try:
        with path.open("rb") as file:
            while data := file.read(_WRITE_BYTES):
                while data:
                    if decompressor.eof:
                        decompressor = zstandard.ZstdDecompressor().decompressobj()
                    decompressor.decompress(data)
                    data = decompressor.unused_data
    except zstandard.ZstdError as error:
        raise _damaged(path, error) from error
    if not decompressor.eof:
        raise _damaged(path, EOFError("it ends within a frame"))


def _check(path: Path, expected: FileSums | None) -> None:
    if expected is None:
        if path.suffix == ".zst":
            _require_whole_zstd(path)
        return
    for algorithm in sorted(expected.values, key=_STRENGTH.index):
        if (actual := hash_file(path, algorithm)) != (value := expected.values[algorithm]):
            raise _differs(path, f"{algorithm} {actual}", value)
    if (size := path.stat().st_size) != expected.size_bytes:
        raise _differs(path, f"{size} bytes", f"{expected.size_bytes} bytes")


def _differs(path: Path, actual: str, listed: str) -> BundleError:
    return BundleError(
        f"{path}: {actual}, but Release says {listed}",
        remedy="copy the repo again, or rebuild its Release file",
    )


def read_batches(path: Path) -> Iterator[list[bytes]]:
    """Read stanzas from disk, many at a time, as fast as Python splits bytes.

    Raises:
        BundleError: it is damaged.
    """
    return read_parts(path, split_stanzas)


def read_parts(path: Path, read: Callable[[bytes], _Part]) -> Iterator[_Part]:
    """Yield the results of ``read`` for the parts of an index, each of whole stanzas.

    Raises:
        BundleError: it is damaged, or ``read`` raises ValueError.
    """
    try:
        with open_index(path) as stream:
            yield from map(read, iter_texts(stream))
    except DAMAGE as error:
        raise _damaged(path, error) from error
    except ValueError as error:
        raise BundleError(
            f"{path}: {error}", remedy="make the index again, with empty lines between the entries"
        ) from error


def read_lines(path: Path) -> Iterator[bytes]:
    """Read an index of lines from disk.

    Raises:
        BundleError: it is damaged.
    """
    try:
        with open_index(path) as stream:
            yield from stream
    except DAMAGE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> BundleError:
    return BundleError(f"{path}: damaged or cut short: {error}", remedy="copy the repo again")


def write_forms(
    folder: Path, stem: str, texts: Iterable[bytes], suffixes: Collection[str]
) -> dict[str, FileSums]:
    """Write an index in all ``suffixes``, reading ``texts`` once, in constant memory.

    Returns:
        The entries of ``Release``: each form by name, and the plain one even if not written.
    """
    (folder / stem).parent.mkdir(parents=True, exist_ok=True)
    sinks = {suffix: _Sink(folder / (stem + suffix)) for suffix in suffixes}
    sinks.setdefault("", _Sink(None))
    with ExitStack() as stack:
        writers: list[Any] = []
        for suffix, sink in sinks.items():
            stack.enter_context(closing(sink))
            compressor = _COMPRESSORS.get(suffix)
            writers.append(stack.enter_context(closing(compressor(sink))) if compressor else sink)
        # Compressors release the interpreter lock: they run in parallel, also when closing.
        pool = stack.enter_context(ThreadPoolExecutor(len(writers)))
        for data in _grouped(texts):
            list(pool.map(lambda writer, data=data: writer.write(data), writers))
        list(pool.map(lambda writer: writer.close(), writers))
    return {stem + suffix: sink.sums() for suffix, sink in sinks.items()}


def _grouped(texts: Iterable[bytes]) -> Iterator[bytes]:
    """Join small texts: each call of a compressor costs as much as some kilobytes."""
    waiting: list[bytes] = []
    size = 0
    for text in texts:
        waiting.append(text)
        size += len(text)
        if size >= _WRITE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


class _Sink(RawIOBase):
    """Hashes written data, and writes it to a file if there is a path."""

    def __init__(self, path: Path | None) -> None:
        self._file: IO[bytes] | None = path.open("wb") if path else None
        self._size_bytes = 0
        self._digests = {a: hashlib.new(a, usedforsecurity=False) for _, a in RELEASE_DIGESTS}

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._size_bytes += len(data)
        for digest in self._digests.values():
            digest.update(data)
        return self._file.write(data) if self._file else len(data)

    def close(self) -> None:
        if self._file:
            self._file.close()
        super().close()

    def sums(self) -> FileSums:
        values = {name: digest.hexdigest() for name, digest in self._digests.items()}
        return FileSums(self._size_bytes, values)
