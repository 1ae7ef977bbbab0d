"""Drills: installs in a scratch root that are made to fail, at every step, in every way."""
