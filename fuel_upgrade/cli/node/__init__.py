"""The commands of ``fuel-upgrade node``."""
