"""One hostile tarball: its kind, a variant of it, and the way to write it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """``kind`` has several variants.

    ``is_harmless`` if it installs as the files that its seal lists, ``is_endless`` if it may be
    honest and is so long that only a cancellation ends it.
    """

    kind: str
    variant: str
    write: Callable[[Path], object]
    is_harmless: bool = False
    is_endless: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.variant}"


def case(kind: str, variant: str, make: Callable[..., bytes], *, is_harmless: bool = False) -> Case:
    """Return a case of which ``make`` returns the bytes."""
    return Case(kind, variant, lambda path: path.write_bytes(make()), is_harmless)


def sparse_case(
    kind: str, variant: str, make: Callable[..., bytes], size: int, *, is_endless: bool = False
) -> Case:
    """Return a case of these bytes with a hole behind them up to ``size``."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(make())
            file.truncate(size)

    return Case(kind, variant, write, is_endless=is_endless)
