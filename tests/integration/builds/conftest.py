"""Settings of the tests that build whole repos and bundles."""

from tests.unit.conftest import proofs_start_no_process

__all__ = ["proofs_start_no_process"]
