"""Names of repos in a list, for the order in which apt on a node reads their files. Pure.

Nailgun 6.1 and later names a file after each repo: ``sources.list.d/NAME.list``. apt reads the
files in the order of the bytes of their names, and of two copies of one version it takes the first,
whatever the pins are.
"""

import re
from collections.abc import Sequence

_LAST = 99
_MARK = re.compile(r"^.+\.zz\d\d-")  # apt ignores files whose names have other than A-Za-z0-9_.-


def base_names(own: str, bases: Sequence[str]) -> list[str]:
    """Return a name for each base, so that the files follow that of ``own`` in this order.

    No file of another repo is between them, unless its name begins with ``OWN.``. The number of a
    base counts from the end of the chain: in a longer chain it keeps its name, and Nailgun
    overwrites its file on nodes instead of adding a second.
    """
    first = _LAST + 1 - len(bases)
    return [f"{own}.zz{number:02}-{base}" for number, base in enumerate(bases, first)]


def plain_name(name: str) -> str:
    """Return the version in a name of :func:`base_names`; any other name as it is."""
    return _MARK.sub("", name)
