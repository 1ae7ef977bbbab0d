"""The registry's table changes, in order; run by :mod:`fuel_upgrade.registry.store.migrate`.

Nothing goes back: each migration is preceded by a backup.
"""
