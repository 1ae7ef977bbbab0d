"""The steps by which the 6.0 tools built a diff mirror: the reference of the measurements.

A checksum program is started for every file of both mirrors; packages that the base lacks are
copied; then the indexes are made anew by opening every package that was copied.
"""

import gzip
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path


def diff_mirror(base: Path, current: Path, out: Path) -> None:
    """Build the diff mirror of ``current`` at ``out`` with the steps of the original."""
    known = defaultdict(set)
    for path in sorted(base.rglob("*.deb")):
        known[path.name].add(_md5(path))
    for path in sorted(current.rglob("*.deb")):
        if _md5(path) not in known[path.name]:
            target = out / path.relative_to(current)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    text = _output(["dpkg-scanpackages", "--multiversion", "."], cwd=out)
    folder = out / "dists/stable/main/binary-amd64"
    folder.mkdir(parents=True)
    (folder / "Packages").write_bytes(text)
    (folder / "Packages.gz").write_bytes(gzip.compress(text))
    (out / "dists/stable/Release").write_bytes(
        _output(["apt-ftparchive", "release", "dists/stable"], cwd=out)
    )


def _md5(path: Path) -> bytes:
    return _output(["md5sum", str(path)], cwd=path.parent).split()[0]


def _output(argv: list[str], *, cwd: Path) -> bytes:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, check=True)
    return done.stdout
