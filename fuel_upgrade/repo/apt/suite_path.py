"""The places of a suite's indexes in an apt repo, as in sources.list(5). Pure."""

import re
from posixpath import join, normpath

from fuel_upgrade.repo.package import checked_location

# Without the characters that mean something in sources.list(5): blanks, brackets, "#".
_PATH = re.compile(r"(?:[0-9A-Za-z_][0-9A-Za-z.+~_-]*/)*[0-9A-Za-z_][0-9A-Za-z.+~_-]*")
_MAX_CHARS = 200


def suite_fault(suite: str, components: tuple[str, ...]) -> str:
    """Return why apt cannot read a suite and its components from a line; empty if it can."""
    path = suite.removeprefix("./").removesuffix("/")
    for word, text in (("suite", path), *(("component", name) for name in components)):
        is_root = word == "suite" and suite == "./"
        if not is_root and (len(text) > _MAX_CHARS or not _PATH.fullmatch(text)):
            return f"{text!r:.80} is not the name of a {word}: letters, digits and .+~_-/ only"
    return ""


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
