"""The budgets of all inputs that are read whole: bytes, items and depth.

An input has a budget that follows from its honest size, with a wide margin.
"""

MIB = 1 << 20

HEAD_BYTES = 256 * MIB
"""The small files at the start of a tarball together, with the seal and every ``diff.yaml``."""
