"""After a kill at any moment the next daemon restores the state before or completes the install.

``CRASH_ROUNDS`` is the number of rounds, ``CRASH_SEED`` what they are drawn from, and
``CRASH_REPORT`` a file for the counts.
"""

import json
import os
import random
import sys
import time
from pathlib import Path

from tests.crash.kills import Round, drill, summary
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
_SHORT = 8


def test_every_kill_ends_in_before_or_after(tmp_path: Path, tarballs: dict[str, Path]) -> None:
    rounds = int(os.environ.get("CRASH_ROUNDS") or _SHORT)
    seed = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(1 << 32))
    sys.stdout.write(f"\nCRASH_SEED={seed}\n")
    done: list[Round] = []
    began = time.monotonic()
    with drill(tmp_path, tarballs, seed) as master:
        while len(done) < rounds:
            done.append(master.round())
            if len(done) % 25 == 0:
                sys.stdout.write(f"{len(done)} rounds\n")
                sys.stdout.flush()
        master.end()
    report = {
        "seed": seed,
        "rounds": len(done),
        "seconds_each": round((time.monotonic() - began) / rounds, 2),
        **summary(done),
    }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    if place := os.environ.get("CRASH_REPORT"):
        Path(place).write_text(json.dumps(report) + "\n")
