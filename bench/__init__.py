"""Measures fuel-upgrade against other ways of doing the same, in the same run: ``make bench``."""
