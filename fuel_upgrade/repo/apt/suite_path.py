"""The places of a suite's indexes in an apt repo, as in sources.list(5). Pure."""

from posixpath import join, normpath

from fuel_upgrade.repo.package import checked_location


def is_flat(suite: str) -> bool:
    """Return whether a suite is a flat repo, an exact path without components (``./``)."""
    return suite.endswith("/")


def index_path(suite: str, name: str = "") -> str:
    """Return the path of a file of a suite, relative to the repo; without name, of its folder.

    Raises:
        BundleError: it leads out of the repo.
    """
    folder = suite.strip("/") if is_flat(suite) else join("dists", suite)
    return checked_location(normpath(join(folder, name)), source=f"suite {suite}")


def index_stem(component: str, architecture: str) -> str:
    """Return the path of a package index in its suite, without the suffix of a form.

    The component of the index of a flat repo is empty.
    """
    return f"{component}/binary-{architecture}/Packages" if component else "Packages"
