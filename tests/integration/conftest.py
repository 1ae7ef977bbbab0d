"""Expensive fixtures of this folder."""

from tests.fixtures import host, nailgun, nailgun_store, new_url, postgres, tarballs

__all__ = ["host", "nailgun", "nailgun_store", "new_url", "postgres", "tarballs"]
