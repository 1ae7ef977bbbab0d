"""What holds for every test."""

import signal

from hypothesis import settings

from tests.tools import in_ci

# A shell starts its background jobs with Ctrl-C ignored, and programs inherit that: tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test fails for the time it took, and CI sees the same cases at every run: new ones are for
# people, who can look at what was found.
settings.register_profile("fuel-upgrade", deadline=None, derandomize=in_ci())
settings.load_profile("fuel-upgrade")
