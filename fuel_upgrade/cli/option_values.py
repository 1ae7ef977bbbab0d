"""The types and allowed values of options.

The values are words, and a test compares them with the enums: the modules with these enums are
slow to load, and the help of a command must be fast.
"""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)
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
