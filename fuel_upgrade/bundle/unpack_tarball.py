"""Unpacks an upgrade tarball with one read, and verifies every byte against its seal."""

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.seal import SealedFiles
from fuel_upgrade.bundle.tarball_file import DAMAGED, opened_tarball
from fuel_upgrade.bundle.verify import BundleHead, altered, check_content
from fuel_upgrade.errors import BundleError
from fuel_upgrade.system.archive import ArchiveReader, Kind, Member
from fuel_upgrade.system.compression import decompressed
from fuel_upgrade.system.extraction import Destination
from fuel_upgrade.system.hashing import Hasher
from fuel_upgrade.system.progress import ByteCounter, Progress
from fuel_upgrade.system.read_ahead import ReadAhead

_MEMBERS_PER_FILE = 16  # of the seal: the file itself and the folders above it

Route = Callable[[str], tuple[Path, str] | None]
"""Maps a member of the tarball to a folder and a new path below it; the folder may be missing.

None: the member is checked and not written.
"""


def below(folder: Path) -> Route:
    """Return the route that writes every member below one folder."""
    return lambda path: (folder, path)


def unpack(head: BundleHead, route: Route, *, progress: Progress) -> None:
    """Read the tarball once, write each member to the path that ``route`` gives, and check all.

    Decompression and the checksums of long files have a thread each.

    Raises:
        BundleError: a member is damaged, missing, or not in the seal. The caller removes the
            files written so far.
    """
    seen = _SealedNames(head.sealed)
    counter = ByteCounter(progress, "unpacking", head.sealed_bytes)
    with ExitStack() as stack:
        raw = stack.enter_context(opened_tarball(head.path, begun_bytes=head.size_bytes))
        stream = stack.enter_context(ReadAhead(decompressed(raw)))
        writer = _Writer(head, route, stack)
        reader = ArchiveReader(
            stream,
            name=str(head.path),
            on_data=counter.add,
            max_members=_MEMBERS_PER_FILE * (len(head.sealed) + 1),
            seen=seen,
        )
        for member in reader.members():
            if member.path == manifest.SEAL:
                counter.add(-member.size_bytes)  # the total is that of the files in the seal
                writer.check_same_seal(reader)
            elif member.kind is not Kind.FOLDER:
                sha256 = writer.write_checked(reader, member)
                check_content(head.path, member.path, head.sealed, _length(member), sha256)
    counter.end()
    if missing := seen.missing():
        raise BundleError(
            f"{head.path}: {len(missing)} sealed files are missing, {missing[0]} first",
            remedy=DAMAGED,
        )


class _SealedNames:
    """The names of the members so far: for each sealed file only whether it was among them."""

    def __init__(self, sealed: SealedFiles) -> None:
        self._sealed = sealed
        self._seen = bytearray(len(sealed))
        self._others: dict[str, Kind] = {}

    def get(self, path: str) -> Kind | None:
        if path in self._others:
            return self._others[path]
        at = self._sealed.position(path)
        return None if at is None or not self._seen[at] else Kind.FILE

    def __setitem__(self, path: str, kind: Kind) -> None:
        at = None if kind is Kind.FOLDER else self._sealed.position(path)
        if at is None:
            self._others[path] = kind
        else:
            self._seen[at] = True

    def missing(self) -> list[str]:
        """Return the sealed files that were not among the members."""
        return [path for path, seen in zip(self._sealed, self._seen, strict=True) if not seen]


class _Writer:
    """Writes the members of one tarball; ``stack`` closes the folders."""

    def __init__(self, head: BundleHead, route: Route, stack: ExitStack) -> None:
        self._head = head
        self._route = route
        self._stack = stack
        self._hasher = stack.enter_context(Hasher())
        self._destinations: dict[Path, Destination] = {}

    def write_checked(self, reader: ArchiveReader, member: Member) -> str:
        """Check a member against its entry in the seal, write it, and return its SHA-256."""
        path, name = self._head.path, member.path
        sealed = self._head.sealed.get(name)
        link = member.target if member.kind is Kind.LINK else None
        if sealed is None or member.kind is Kind.HARD_LINK or sealed.link_target != link:
            raise altered(path, name, "not as listed in the seal")
        if _length(member) != sealed.length_bytes:  # before a byte is written
            raise altered(
                path, name, f"{_length(member)} bytes, but the seal says {sealed.length_bytes}"
            )
        if member.kind is Kind.FILE and sealed.executable != bool(member.mode & 0o100):
            raise altered(path, name, "another mode than the seal says")
        if link is not None and not manifest.link_stays_inside(name, link):
            raise altered(path, name, f"a link to {link!r}, outside its part")
        place = self._route(name)
        if place is None:
            return self._hash(reader, member)
        folder, relative = place
        sha256 = self._destination(folder).write(reader, member, relative, self._hasher)
        return sha256 if link is None else hashlib.sha256(os.fsencode(link)).hexdigest()

    def check_same_seal(self, reader: ArchiveReader) -> None:
        """Check that the seal is the one in the header that was read before."""
        if reader.hash_data() != self._head.seal_sha256:
            raise altered(self._head.path, manifest.SEAL, "changed since the tarball was opened")

    def _hash(self, reader: ArchiveReader, member: Member) -> str:
        digest = self._hasher.new(member.size_bytes)
        if member.kind is Kind.LINK:
            digest.update(os.fsencode(member.target))
        for chunk in reader.chunks():
            digest.update(chunk)
        return digest.hexdigest()

    def _destination(self, folder: Path) -> Destination:
        if folder not in self._destinations:
            folder.mkdir(parents=True, exist_ok=True)
            self._destinations[folder] = self._stack.enter_context(Destination(folder))
        return self._destinations[folder]


def _length(member: Member) -> int:
    return len(os.fsencode(member.target)) if member.kind is Kind.LINK else member.size_bytes
