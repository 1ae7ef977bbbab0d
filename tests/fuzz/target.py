"""A fuzzing target: a reader of outside bytes, with its first inputs."""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from fuel_upgrade.errors import BundleError

ByBytes = Callable[[bytes], bytes]
"""The mutation of libFuzzer, which knows no form."""
Mutation = Callable[[bytes, Random, ByBytes], bytes]
"""A mutation that keeps the form of an input."""


@dataclass(frozen=True, slots=True)
class Target:
    """A reader, which raises one of ``refusals`` or returns; any other exception is a finding.

    ``words`` are the dictionary of the mutations. ``mutation`` is for forms that random bytes
    nearly always break, such as those with checksums.
    """

    read: Callable[[bytes], None]
    seeds: Iterable[bytes]
    words: Iterable[bytes] = ()
    mutation: Mutation | None = None
    refusals: tuple[type[Exception], ...] = (BundleError,)
    longest_bytes: int = 4096


@cache
def scratch() -> Path:
    """Return the folder of this process for files that readers need; the driver removes it."""
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


def text_of(data: bytes) -> str:
    """Decode an input as the reader of a tarball does.

    Raises:
        BundleError: it is not UTF-8.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BundleError("not UTF-8 text", remedy="none") from error
