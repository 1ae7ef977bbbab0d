"""fuel-upgraded: the service that owns the transaction, and its HTTP API."""

VERSION_HEADER = "Fuel-Upgrade-Version"
"""The header of every answer with the version of the daemon."""
