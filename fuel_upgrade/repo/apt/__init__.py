"""Apt repos: their indexes parsed, rendered, read, written and compared."""
