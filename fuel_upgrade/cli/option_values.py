"""The types and allowed values of options.

The values are words, and a test compares them with the enums: the modules with these enums are
slow to load, and the help of a command must be fast.
"""

from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)


class _Repo(click.ParamType[Path | str]):
    """A folder or an archive as a path, or the URL of a repo as text."""

    name = "path"

    def convert(
        self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None
    ) -> Path | str:
        """Return a path or a URL."""
        is_url = isinstance(value, str) and value.startswith(("http://", "https://"))
        return value if is_url else Path(value)


REPO = _Repo()
OPERATING_SYSTEMS = ("ubuntu", "centos")
REPORT_FORMATS = ("text", "markdown", "json", "html")
REGISTRY_DIALECTS = ("6.0", "6.1")
FAULTS = (
    "error",
    "kill",
    "hang",
    "full",
    "read-only",
    "nailgun-busy",
    "nailgun-down",
    "nailgun-silent",
    "nailgun-lost",
    "nailgun-twice",
)
