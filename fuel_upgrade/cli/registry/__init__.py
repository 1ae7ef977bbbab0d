"""The commands of ``fuel-upgrade registry``."""
