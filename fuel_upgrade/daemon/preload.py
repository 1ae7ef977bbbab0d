"""Imports at the start all modules that the daemon may need later, except createrepo_c.

A package manager may replace the files of the daemon while an install runs. A module that is
imported after that would be of the new version. createrepo_c takes 13 MiB and depends on nothing
of this package: it is loaded when the first yum repo is read, before anything is changed.
"""

import pkgutil
from importlib import import_module

# The layers that the daemon calls, in the order of the architecture.
_LAYERS = (
    "system",
    "repo",
    "release",
    "bundle",
    "nodes",
    "nailgun",
    "upgrade",
    "registry",
    "daemon",
)
# Its modules run migrations when they are imported.
_MIGRATIONS = "fuel_upgrade.registry.store.migrations"
# Modules that libraries import when they are called.
_LIBRARIES = ("_strptime", "anyio._backends._asyncio", "encodings.idna")


def preload() -> None:
    """Import every module of the layers below, and the modules that their libraries import late."""
    for layer in _LAYERS:
        _import_tree(f"fuel_upgrade.{layer}")
    for name in _LIBRARIES:
        import_module(name)


def _import_tree(package: str) -> None:
    for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        if module.name == _MIGRATIONS:
            continue
        import_module(module.name)
        if module.ispkg:
            _import_tree(module.name)
