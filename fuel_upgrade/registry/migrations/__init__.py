"""Every change of the registry's tables, in its order; run by :mod:`fuel_upgrade.registry.schema`.

Nothing goes back: each migration is preceded by a backup.
"""
