"""The steps of the 6.0 tools, as processes: ``python original.py apt|yum|install FROM TO OUT``.

A checksum program is started for every file of both mirrors; packages that the base lacks are
copied; then the indexes are made anew by opening every package that was copied. An install
unpacked the tarball, and copied what it had unpacked file by file.
"""

import gzip
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path


def main() -> None:
    """Do one of the tasks."""
    task = sys.argv[1]
    paths = tuple(map(Path, sys.argv[2:]))
    if task == "install":
        install(*paths)
    else:
        {"apt": diff_apt, "yum": diff_yum}[task](*paths)


def diff_apt(base: Path, current: Path, out: Path) -> None:
    """Build the diff mirror of an apt repo."""
    _copy_changed(base, current, out, "*.deb")
    text = _output(["dpkg-scanpackages", "--multiversion", "."], cwd=out)
    folder = out / "dists/stable/main/binary-amd64"
    folder.mkdir(parents=True)
    (folder / "Packages").write_bytes(text)
    (folder / "Packages.gz").write_bytes(gzip.compress(text))
    (out / "dists/stable/Release").write_bytes(
        _output(["apt-ftparchive", "release", "dists/stable"], cwd=out)
    )


def diff_yum(base: Path, current: Path, out: Path) -> None:
    """Build the diff mirror of a yum repo."""
    _copy_changed(base, current, out, "*.rpm")
    _output(["createrepo_c", "--quiet", str(out)], cwd=out)


def install(tarball: Path, out: Path) -> None:
    """Unpack a tarball to a temporary folder, and copy its trees to their places."""
    unpacked = out / "unpacked"  # its removal is not part of this: see bench/measure.py
    unpacked.mkdir()
    script = 'zstd -dc "$1" | tar x -C "$2"'
    subprocess.run(["/bin/sh", "-ec", script, "sh", tarball, unpacked], check=True)
    shutil.copytree(unpacked, out / "installed", symlinks=True, copy_function=shutil.copy)


def _copy_changed(base: Path, current: Path, out: Path, pattern: str) -> None:
    known = defaultdict(set)
    for path in sorted(base.rglob(pattern)):
        known[path.name].add(_md5(path))
    for path in sorted(current.rglob(pattern)):
        if _md5(path) not in known[path.name]:
            target = out / path.relative_to(current)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def _md5(path: Path) -> bytes:
    return _output(["md5sum", str(path)], cwd=path.parent).split()[0]


def _output(argv: list[str], *, cwd: Path) -> bytes:
    return subprocess.run(argv, cwd=cwd, capture_output=True, check=True).stdout


if __name__ == "__main__":
    main()
