"""fuel-upgrade: new OpenStack releases for a master node without internet, as one file."""

import logging

__version__ = "0.1.0"

# Who runs a command sees what it prints, and no log, unless the command sets one up.
logging.getLogger(__name__).addHandler(logging.NullHandler())
