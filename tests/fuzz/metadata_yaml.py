"""``metadata.yaml``: the base of each diff release, and the order of releases by it."""

from fuel_upgrade.release.chain import in_order, newest_version_first, parse_metadata
from fuel_upgrade.release.model import Release
from tests.fuzz.target import Target, text_of

_SOURCE = "upgrade/releases/metadata.yaml"
_RELEASES = [Release("r", version, "Ubuntu", {}) for version in ("2014.2-6.0", "2014.1.1-5.1")]


def read(data: bytes) -> None:
    """Read it, and sort releases and versions by it."""
    diff_releases = parse_metadata(text_of(data), source=_SOURCE)
    in_order(_RELEASES, diff_releases, source=_SOURCE)
    sorted((*diff_releases, *diff_releases.values()), key=newest_version_first)


YAML_WORDS = (
    *(b": ", b"- ", b"\n  ", b"{", b"}", b"[", b"]", b"&a ", b"*a", b"<<: ", b"? ", b"!!int "),
    *(b"!!float ", b"!!binary ", b"!!set ", b"!!omap ", b"!!pairs ", b"!!null ", b"!!timestamp "),
    *(b"!!python/none ", b"---\n", b"...\n", b"%YAML 1.1\n", b"%TAG ! x\n", b".nan", b"-.inf"),
    *(b"0x", b"1_0", b"190:20:30", b"1e999", b"2001-01-01", b"\xc2\x85", b"\\ud800"),
    *(b'"', b"'", b"#", b"yes", b">-\n", b"=", b"0o7", b"\\x00", b"9" * 40),
    *(b"~", b"|\n", b"\xef\xbb\xbf"),
)  # fmt: skip
TARGET = Target(
    read,
    seeds=(
        b"diff_releases:\n  2014.2-6.0: 2014.1.1-5.1\n",
        b'diff_releases: {"2014.2-6.0": 2014.1.1-5.1, 2014.1.1-5.1: 2014.1-5.0}\n',
        b"diff_releases: {2014.2-6.0: 2014.1.1-5.1, 2014.1.1-5.1: 2014.2-6.0}\n",
        b"a: &a {2014.2: 5}\ndiff_releases: {<<: *a, liberty-8.0: ~}\n",
        b"diff_releases: {}\n",
    ),
    words=(*YAML_WORDS, b"diff_releases:", b"2014.2-6.0", b"2014.1.1-5.1"),
    longest_bytes=2048,
)
