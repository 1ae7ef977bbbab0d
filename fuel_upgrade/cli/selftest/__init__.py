"""The command ``fuel-upgrade selftest``."""
