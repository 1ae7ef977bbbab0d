"""The embedded release registry, which speaks the REST contract of Nailgun 6.0."""

import logging

# A command shows its own output, and no log unless the command sets one up. Only the
# registry logs by this library: a command that does not need it does not load it.
logging.getLogger("fuel_upgrade").addHandler(logging.NullHandler())
