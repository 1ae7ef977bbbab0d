"""The fuel-upgrade command."""
