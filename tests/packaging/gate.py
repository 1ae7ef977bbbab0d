"""An install on a machine that waits in a hook, until the test lets it go on."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.packaging.machines import Machine

GATED = 300
_HOOK = "/etc/fuel-upgrade/hooks.d/after-stage/10-gate"
_SETUP = f"""
mkdir -p $(dirname {_HOOK})
mkfifo /root/reached /root/gate
cat > {_HOOK} <<'END'
#!/bin/sh
echo reached > /root/reached
read answer < /root/gate
[ "$answer" = go ]
END
chmod 755 {_HOOK}
"""


class Gate:
    """A hook of the machine that reports its start and waits for an answer."""

    def __init__(self, machine: Machine) -> None:
        machine.run(_SETUP)
        self._machine = machine
        self.failed = False

    @contextmanager
    def install(self, tarball: str) -> Iterator[subprocess.Popen[str]]:
        """Start an install; return when its hook waits."""
        with self._machine.start(f"fuel-upgrade install {tarball}") as process:
            try:
                self._machine.run("cat /root/reached", timeout_s=GATED)
                yield process
            finally:
                process.kill()

    def open(self, *, fail: bool) -> None:
        """Let the hook end, with an error if ``fail``."""
        self.failed = fail
        self._machine.run(f"echo {'stop' if fail else 'go'} > /root/gate")
