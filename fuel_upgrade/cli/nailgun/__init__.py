"""The commands of ``fuel-upgrade nailgun``."""
