"""The repos in the tests of other tools, as this project and as apt and dnf read them."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fuel_upgrade.errors import BundleError, UpgradeError
from fuel_upgrade.repo.apt import stanza as deb
from fuel_upgrade.repo.apt.index_files import read_batches
from fuel_upgrade.repo.yum.expat_reader import read_lines
from fuel_upgrade.repo.yum.repo import YumRepo
from fuel_upgrade.system import process
from tests.foreign.archives import NAMES, unpacked
from tests.foreign.inputs import apt_indexes, yum_repos
from tests.tools import needs, needs_apt_pkg

pytestmark = [needs("apt-get", "dnf", "tar"), needs_apt_pkg()]
PYTHON = "/usr/bin/python3"
APT = r"""
import sys, apt_pkg
for number, path in enumerate(sys.argv[1:]):
    try:
        index = apt_pkg.TagFile(path)
        while index.step():
            values = [index.section.get(k) or "-" for k in ("Package", "Architecture", "Version")]
            print(number, *values)
    except Exception as error:
        print(number, "refused")
"""
DNF = r"""
import sys, tempfile, dnf, hawkey
for number, path in enumerate(sys.argv[1:]):
    with tempfile.TemporaryDirectory() as cache, dnf.Base() as base:
        base.conf.cachedir = base.conf.persistdir = cache
        base.conf.substitutions["releasever"] = "1"
        base.repos.add_new_repo("x", base.conf, baseurl=["file://" + path])
        try:
            base.fill_sack(load_system_repo=False)
        except Exception as error:
            print(number, "refused")
            continue
        for p in base.sack.query(flags=hawkey.IGNORE_EXCLUDES):
            epoch = f"{p.epoch}:" if p.epoch else ""
            print(number, p.name, p.arch, f"{epoch}{p.version}-{p.release}", p.chksum[1].hex())
"""
REFUSED = "refused"
EXPLAINED = {
    "libdnf: data/tests/hawkey/yum": "refused: a package has an address of its own (xml:base)",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """The entries of one input, a line each, as this project and as the other tool reads them."""

    place: str
    ours: set[str]
    theirs: set[str]

    @property
    def outcome(self) -> str:
        if self.ours != self.theirs:
            return "not equal"
        return "refused by both" if self.ours == {REFUSED} else "equal"


@pytest.mark.parametrize("name", NAMES)
def test_repos_of_another_tool_are_read_as_apt_and_dnf_read_them(name: str, tmp_path: Path) -> None:
    folder = unpacked(name)
    if folder is None:
        pytest.skip(f"the mirror has no archive of {name}")
    readings = [*_apt(folder, tmp_path), *_yum(folder)]
    counts = Counter(reading.outcome for reading in readings)
    sys.stdout.write(f"\n{name}: {len(readings)} inputs, {dict(counts)}\n")
    unequal = {f"{name}: {r.place}": r for r in readings if r.outcome == "not equal"}
    for key in unequal.keys() & EXPLAINED.keys():
        sys.stdout.write(f"  {key}: {EXPLAINED[key]}\n")
    assert readings
    assert not {key: r for key, r in unequal.items() if key not in EXPLAINED}


def _apt(folder: Path, scratch: Path) -> Iterator[Reading]:
    indexes = list(apt_indexes(folder))
    paths = [scratch / f"{number}_Packages" for number in range(len(indexes))]
    for path, index in zip(paths, indexes, strict=True):
        path.write_bytes(index.text)
    theirs = _lines(APT, paths)
    for number, (path, index) in enumerate(zip(paths, indexes, strict=True)):
        yield Reading(index.place, _entries(path), theirs[number])


def _entries(path: Path) -> set[str]:
    """Return the entries of an index, which may lack the fields of a whole repo."""
    try:
        texts = [text.strip(b"\n") for batch in read_batches(path) for text in batch]
        fields = [deb._read_fields(text) for text in texts if text]
    except (BundleError, ValueError):
        return {REFUSED}
    keys = ("package", "architecture", "version")
    return {" ".join(entry.get(key) or "-" for key in keys) for entry in fields}


def _yum(folder: Path) -> Iterator[Reading]:
    repos = list(yum_repos(folder))
    theirs = _lines(DNF, [root for _, root in repos])
    for number, (place, root) in enumerate(repos):
        yield Reading(place, _rpms(root), theirs[number])


def _rpms(root: Path) -> set[str]:
    try:
        packages = YumRepo.read(root).packages
    except UpgradeError:
        return {REFUSED}
    kinds = {package.digests[0][0] for package in packages}
    parts = (part for kind in kinds for part in read_lines([root], kind)[0])
    by_expat = {line for lines in parts for line in lines if "\0" not in line}
    listed = {f"{package} {package.digests[0][1]}" for package in packages}
    assert by_expat == listed
    return listed


def _lines(program: str, paths: list[Path]) -> dict[int, set[str]]:
    """Run a program of the system's Python, which prints the number of a path and an entry."""
    lines: dict[int, set[str]] = {number: set() for number in range(len(paths))}
    argv = [PYTHON, "-c", program, *map(str, paths)]
    for line in process.run(argv, timeout_s=600).splitlines() if paths else ():
        number, _, entry = line.partition(" ")
        lines[int(number)].add(entry)
    return lines
