"""What options allow, as plain words: a test compares them with the values that they stand for.

The modules that have these values are slow to load, and a command's help shall not wait for them.
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
