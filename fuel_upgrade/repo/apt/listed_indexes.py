"""The ``Packages`` files that a ``Release`` lists, independent of those that a suite has read."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.release_file import RELEASES, read_release

_ROW = re.compile(
    r"^[ \t]+[0-9A-Fa-f]+[ \t]+\d+[ \t]+((?:\S*/)?Packages(?:\.\w+)?)\s*$", re.MULTILINE
)
_UDEBS = "debian-installer"  # no node installs them


def require_all_read(suite: Path, read: Collection[Path]) -> None:
    """Require that every listed index that exists is in a folder of the indexes in ``read``.

    A mirror of a part of a repo keeps the ``Release`` of the whole: what it lacks, nodes cannot
    read either. The indexes of a suite inside this one are not its own, and apt ignores
    ``binary-all`` where the fields of ``Release`` say so.

    Raises:
        BundleError: names the indexes that no reader has read.
    """
    folders = {path.parent.resolve() for path in read}
    listed = (suite / name for name in dict.fromkeys(_listed(suite)))
    unread = [p for p in listed if p.is_file() and p.parent.resolve() not in folders]
    ignored = () if read_release(suite).reads_index_for_all else ("binary-all",)
    unread = [p for p in unread if p.parent.name not in ignored and not _is_for_others(p, suite)]
    if unread:
        names = ", ".join(str(path.relative_to(suite)) for path in unread)
        raise BundleError(
            f"{suite}: Release lists {names}, which is read as the index of no component",
            remedy="rebuild the repo's indexes, with each component in a folder of its name",
        )


def _is_for_others(index: Path, suite: Path) -> bool:
    """Return whether an index lists udebs, or belongs to a suite inside this one."""
    between = (folder for folder in index.parent.parents if folder.is_relative_to(suite))
    inner = (folder for folder in between if folder != suite)
    return index.parent.parent.name == _UDEBS or any(
        (folder / name).exists() for folder in inner for name in RELEASES
    )


def _listed(suite: Path) -> Iterator[str]:
    path = next((suite / name for name in RELEASES if (suite / name).exists()), None)
    text = path.read_text(encoding="utf-8", errors="replace") if path else ""
    return (match[1] for match in _ROW.finditer(text))
