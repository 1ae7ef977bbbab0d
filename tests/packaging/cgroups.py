"""A control group for each container: systemds that share one wait for each other's processes."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOUNTED = Path("/sys/fs/cgroup")
#: Where the hierarchies are mounted in which systemd keeps its units, by their names in
#: /proc/PID/cgroup: "" is the second version of control groups, whole or beside the first.
_PLACES = {"name=systemd": ("systemd",), "": ("unified", ".")}
#: Goes into the groups named before "--", and becomes the program named behind it.
ENTER = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@"'


@contextmanager
def own_groups(name: str) -> Iterator[list[str]]:
    """Make groups of this name; give the words before a command line that run it inside."""
    groups = [place / name for place in _current()]
    for group in groups:
        group.mkdir()
    try:
        yield ["sh", "-euc", ENTER, "sh", *map(str, groups), "--"]
    finally:
        for group in groups:
            for folder in (*sorted(group.rglob("*/"), reverse=True), group):
                with contextlib.suppress(OSError):  # a process that just ends is still in it
                    folder.rmdir()


def _current() -> Iterator[Path]:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, kind, path = line.split(":", 2)
        for place in _PLACES.get(kind, ()):
            if (folder := MOUNTED / place / path.lstrip("/") / "cgroup.procs").exists():
                yield folder.parent
                break
