"""Expensive fixtures of this folder."""

from tests.fixtures import host, new_url, postgres, tarballs

__all__ = ["host", "new_url", "postgres", "tarballs"]
