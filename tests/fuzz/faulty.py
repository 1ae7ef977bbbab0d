"""A reader with a fault, to prove that the driver reports it."""

from fuel_upgrade.errors import BundleError
from tests.fuzz.target import Target


def read(data: bytes) -> None:
    """Fail on a text that begins with ``ab``, and refuse all others."""
    if data[:2] == b"ab":
        raise LookupError(data[:3])
    raise BundleError("refused", remedy="none")


# Without the spelling by which the test counts the targets.
TARGET: Target = Target(read, seeds=(b"a", b"ab"), words=(b"b",))
