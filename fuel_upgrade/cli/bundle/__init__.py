"""The commands of ``fuel-upgrade bundle``."""
