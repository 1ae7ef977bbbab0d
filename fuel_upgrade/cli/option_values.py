"""The allowed values of options, as words; a test compares them with the enums.

The modules with these enums are slow to load, and the help of a command must be fast.
"""

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
