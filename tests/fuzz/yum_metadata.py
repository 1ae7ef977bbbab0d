"""The metadata of a yum repo: primary by both readers, and groups, modules and advisories.

An input is a ``repomd.xml`` and the files that it lists, separated by :data:`_BETWEEN`. The n-th
file is ``repodata/n``; ``@n@`` in ``repomd.xml`` becomes its SHA-256, so that mutated files match.
"""

import gzip
import hashlib
import shutil
from pathlib import Path

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.yum.expat_reader import read_lines
from fuel_upgrade.repo.yum.extras import read_extras
from fuel_upgrade.repo.yum.modules import select_modules
from fuel_upgrade.repo.yum.repo import YumRepo
from tests.fuzz.metadata_yaml import YAML_WORDS
from tests.fuzz.target import Target, scratch
from tests.yum_extras import advisory, comps, default, stream, updates

_BETWEEN = b"\n=====\n"
_PRIMARY = b"""<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" \
xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="1">
<package type="rpm"><name>one</name><arch>noarch</arch><version epoch="0" ver="1.0" rel="1"/>
<checksum type="sha256" pkgid="YES">%b</checksum><summary>s</summary><description>d</description>
<packager/><url/><time file="1" build="1"/><size package="1" installed="1" archive="1"/>
<location href="Packages/one-1.0-1.noarch.rpm"/><format><rpm:license>free</rpm:license>
<rpm:provides><rpm:entry name="one" flags="EQ" epoch="0" ver="1.0" rel="1"/></rpm:provides>
<rpm:requires><rpm:entry name="/bin/sh" pre="1"/></rpm:requires><file>/bin/one</file>
</format></package></metadata>
""" % (b"a" * 64)
_EXTRAS = {
    b"group": comps({"core": ["one"]}).encode(),
    b"modules": (stream("m", "1", "one-0:1.0-1.noarch") + default("m", "1")).encode(),
    b"updateinfo": updates(advisory("A-1", "one-1.0-1")).encode(),
}


def _input(files: dict[bytes, bytes]) -> bytes:
    """Return the input of a repo with these kinds of metadata."""
    entries = (
        b'<data type="%b"><checksum type="sha256">@%d@</checksum><open-checksum type="sha256">'
        b'@%d@</open-checksum><location href="repodata/%d"/><timestamp>1</timestamp></data>\n'
        % (kind, number, number, number)
        for number, kind in enumerate(files, 1)
    )
    space = b'xmlns="http://linux.duke.edu/metadata/repo"'
    repomd = b"<repomd %b><revision>1</revision>\n%b</repomd>" % (space, b"".join(entries))
    return _BETWEEN.join((repomd, *files.values()))


def read(data: bytes) -> None:
    """Read all that a diff and a proof read."""
    root = scratch() / "repo"
    (root / "repodata").mkdir(parents=True)
    try:
        _write(root / "repodata", data)
        refusals = []
        for each in (_read_by_createrepo, _read_by_expat):
            try:
                each()
            except BundleError as error:
                refusals.append(error)
        if refusals:
            raise refusals[0]
    finally:
        shutil.rmtree(root)


def _write(folder: Path, data: bytes) -> None:
    repomd, *files = data.split(_BETWEEN)
    for number, content in enumerate(files, 1):
        (folder / str(number)).write_bytes(content)
        repomd = repomd.replace(b"@%d@" % number, hashlib.sha256(content).hexdigest().encode())
    (folder / "repomd.xml").write_bytes(repomd)


def _read_by_createrepo() -> None:
    repo = YumRepo.read(scratch() / "repo")
    assert isinstance(repo.unreadable, tuple)
    extras = read_extras(repo)
    select_modules(extras.modules, (), extras.modules, {"one-0:1.0-1.noarch"})
    extras.render()
    repo.requirements()


def _read_by_expat() -> None:
    for part in read_lines([scratch() / "repo"], "sha256"):
        list(part)


TARGET = Target(
    read,
    seeds=(
        _input({b"primary": _PRIMARY}),
        _input({b"primary": _PRIMARY, **_EXTRAS}),
        _input({b"primary": gzip.compress(_PRIMARY, mtime=0)}).replace(b"open-", b"x-"),
        *(_input({b"primary": _PRIMARY, kind: text}) for kind, text in _EXTRAS.items()),
    ),
    words=(
        *YAML_WORDS,
        *(_BETWEEN, b"<data type=", b"primary", b"filelists", b"other", b"group_gz", b"modules"),
        *(b"updateinfo", b"<checksum type=", b"sha256", b"sha512", b"@1@", b"repodata/2", b"../"),
        *(b"<location href=", b"xml:base=", b"<size>", b"<open-size>", b"<!DOCTYPE x [", b"&lt;"),
        *(b'<!ENTITY a "b">', b"&a;", b"<![CDATA[", b"]]>", b"<?xml version='1.0'", b"&#0;"),
        *(b"<package type=", b"<version epoch=", b"ver=", b"rel=", b"<format>", b"</format>"),
        *(b"<rpm:entry name=", b"flags=", b"<file>", b"<id>", b"artifacts:", b"profiles:"),
    ),
    longest_bytes=6144,
)
