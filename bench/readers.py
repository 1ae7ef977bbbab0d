"""References that read indexes, each a process: ``python readers.py read|apt|yum FILE...``.

Only the standard library is imported at the start: the interpreter of the system runs ``apt``, and
no reference pays for another one.
"""

import importlib
import sys
from pathlib import Path


def main() -> None:
    """Run one reference."""
    words = sys.argv[1:]
    if words[0] == "read":
        read(words[1:])
    else:
        {"apt": apt, "yum": yum}[words[0]](*words[1:])


def read(paths: list[str]) -> None:
    """Read all files."""
    for path in paths:
        Path(path).read_bytes()


def apt(base: str, current: str) -> None:
    """Compare two ``Packages`` with the parser of apt itself."""
    apt_pkg = importlib.import_module("apt_pkg")
    sides = []
    for path in (base, current):
        with Path(path).open("rb") as stream:
            sides.append(
                {
                    (section["Package"], section["Architecture"]): section["SHA256"]
                    for section in apt_pkg.TagFile(stream, bytes=True)
                }
            )
    print(sum(sides[0].get(key) != digest for key, digest in sides[1].items()), "changed")


def yum(base: str, current: str) -> None:
    """Compare two ``primary.xml`` with the parser of createrepo_c."""
    library = importlib.import_module("createrepo_c")
    sides: list[dict[tuple[str, str], str]] = []
    for path in (base, current):
        digests: dict[tuple[str, str], str] = {}
        sides.append(digests)

        def keep(package: object, into: dict[tuple[str, str], str] = digests) -> None:
            name, arch, digest = (getattr(package, word) for word in ("name", "arch", "pkgId"))
            into[name, arch] = digest

        library.xml_parse_primary(path, pkgcb=keep, do_files=False)
    print(sum(sides[0].get(key) != digest for key, digest in sides[1].items()), "changed")


if __name__ == "__main__":
    main()
