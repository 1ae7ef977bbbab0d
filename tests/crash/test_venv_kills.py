"""A deployer that is killed at any moment leaves a venv that runs, and the next run heals.

``VENV_KILLS`` is the number of rounds, ``VENV_SEED`` what they are drawn from.
"""

import json
import os
import random
import sys
from collections import Counter
from pathlib import Path

from tests.crash.beside_reader import BesideReader
from tests.crash.venv_host import Kills, VenvHost, venv_host
from tests.tools import needs

pytestmark = needs("uv", "git", "nginx")
_SHORT = 4
_POLL_S = 0.001


class _Reader(BesideReader):
    """Counts the moments at which the interpreter or the command of the service is missing."""

    def __init__(self, host: VenvHost) -> None:
        super().__init__()
        self.reads = 0
        self.missing = 0
        self._paths = [host.link / "bin/python", host.link / "bin/alpha"]

    def read(self) -> None:
        self.reads += 1
        self.missing += not all(path.exists() for path in self._paths)


def test_every_kill_leaves_a_venv_that_runs_and_the_next_run_heals(tmp_path: Path) -> None:
    rounds = int(os.environ.get("VENV_KILLS") or _SHORT)
    seed = int(os.environ.get("VENV_SEED") or random.SystemRandom().randrange(1 << 32))
    sys.stdout.write(f"\nVENV_SEED={seed}\n")
    phases: Counter[str] = Counter()
    with venv_host(tmp_path) as host:
        kills = Kills(host, random.Random(seed))
        reader = _Reader(host)
        with reader.reading(pause_s=_POLL_S):
            for number in range(rounds):
                phases.update(kills.round())
                if number % 25 == 24:
                    sys.stdout.write(f"{number + 1} rounds: {dict(phases)}\n")
                    sys.stdout.flush()
    report = {"rounds": rounds, "reads": reader.reads, "kills": dict(sorted(phases.items()))}
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    assert reader.missing == 0
