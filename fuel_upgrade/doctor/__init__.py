"""Checks of a host, and what support needs of it; changes nothing."""
