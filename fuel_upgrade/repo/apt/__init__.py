"""Apt repos: their indexes parsed, rendered, read, written and compared."""

import logging

# python-debian's warnings quote an index as it is, and without a handler they go to the terminal.
logging.getLogger("debian").setLevel(logging.CRITICAL)
