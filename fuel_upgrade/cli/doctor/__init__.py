"""The commands that check a host, and those of ``fuel-upgrade config``."""
