"""Imports all that the daemon may need later, while the files that it was started from are there.

A package manager may replace those files while an install runs. What is imported by then stays
the code that the install began with; what is imported afterwards would be of the new version.
"""

import pkgutil
from contextlib import suppress
from importlib import import_module

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.repo.yum.createrepo import load_library

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
# Its modules run migrations when they are imported: they are for the registry's start.
_MIGRATIONS = "fuel_upgrade.registry.store.migrations"
# What libraries import when they are called.
_LIBRARIES = ("_strptime", "anyio._backends._asyncio", "encodings.idna")


def preload() -> None:
    """Import every module of the layers below, and what their libraries import late.

    Where the library of yum repos cannot be loaded, its modules are left out: they would fail later
    as well, and a master without yum repos does not need them.
    """
    for layer in _LAYERS:
        _import_tree(f"fuel_upgrade.{layer}")
    for name in _LIBRARIES:
        import_module(name)
    with suppress(OutsideError):
        load_library()


def _import_tree(package: str) -> None:
    for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        if module.name == _MIGRATIONS:
            continue
        import_module(module.name)
        if module.ispkg:
            _import_tree(module.name)
