"""Makes a tarball of its volumes, or a request for the blocks that none of them has."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fuel_upgrade.bundle.media.block_index import MOST_BLOCKS, Ranges, checked_ranges
from fuel_upgrade.bundle.media.recovery_volumes import SUFFIX, repair
from fuel_upgrade.bundle.media.volumes import index_of, join, write_volume
from fuel_upgrade.bundle.verify import read_head
from fuel_upgrade.errors import BundleError
from fuel_upgrade.system.files import remove_tree, rename
from fuel_upgrade.system.new_output import require_new
from fuel_upgrade.system.progress import ByteCounter, Progress
from fuel_upgrade.system.yaml_text import load_yaml

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Request:
    """The blocks of a tarball that no volume has; ``index`` identifies the tarball."""

    tarball: str
    index: str
    blocks: Ranges

    def to_json(self) -> dict[str, Any]:
        """Return the form of the request file."""
        blocks = [list(part) for part in self.blocks]
        return {"format": 1, "tarball": self.tarball, "index": self.index, "blocks": blocks}

    def __str__(self) -> str:
        """Return the ranges for people."""
        ranges = [f"{a}" if n == 1 else f"{a} to {a + n - 1}" for a, n in self.blocks]
        more = f" and {len(ranges) - _SHOWN} ranges more" if len(ranges) > _SHOWN else ""
        return ", ".join(ranges[:_SHOWN]) + more

    @classmethod
    def parse(cls, text: str, *, source: str) -> "Request":
        """Read a request file.

        Raises:
            BundleError: it is malformed.
        """
        data = load_yaml(text, source=source)
        try:
            blocks = checked_ranges(data["blocks"] if data["format"] == 1 else None, MOST_BLOCKS)
            return cls(str(data["tarball"]), str(data["index"]), blocks)
        except (TypeError, KeyError, ValueError) as error:
            raise BundleError(
                f"{source}: no request for blocks of a tarball",
                remedy="name the file that fuel-upgrade bundle join wrote",
            ) from error


@dataclass(frozen=True, slots=True)
class Restored:
    """The result for a set of volumes: ``request`` is None if the tarball was written.

    ``faults`` has a text for each damaged volume.
    """

    request: Request | None
    faults: tuple[str, ...]


def restore(paths: Sequence[Path], out: Path, *, progress: Progress) -> Restored:
    """Write the tarball of these volumes, recovery volumes and answers, in any order.

    It is not written if blocks are missing, more than the recovery volumes restore.

    Raises:
        ConfigError: ``out`` exists.
        BundleError: they are of several tarballs, or none is a volume.
        CommandError: it needs par2, which is missing.
    """
    require_new(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        data = [path for path in paths if path.suffix != SUFFIX]
        joined = join(data, scratch, progress=progress)
        if joined.missing and len(data) < len(paths):
            folder = scratch / "restored"
            folder.mkdir()
            progress("restoring", 0, 1)
            restored = repair(paths, folder)
            progress("restoring", 1, 1)
            joined = replace(
                join([*restored, *data], scratch, progress=progress), faults=joined.faults
            )
        faults = tuple(joined.faults)
        if joined.missing and joined.index:
            return Restored(Request(joined.index.name, joined.index.sha256, joined.missing), faults)
        joined.path.chmod(0o644)
        rename(joined.path, out)
    finally:
        remove_tree(scratch)
    return Restored(None, faults)


def answer(request: Request, tarball: Path, out: Path, *, progress: Progress) -> Path:
    """Write a volume with the blocks of a request.

    Raises:
        ConfigError: ``out`` exists. BundleError: the request is of another tarball.
    """
    require_new(out)
    read_head(tarball)
    index = index_of(tarball, progress=progress)
    if index.sha256 != request.index:
        raise BundleError(
            f"{tarball}: not the tarball of the request, {request.tarball}",
            remedy="name the tarball that was split",
        )
    size_bytes = sum(count for _, count in request.blocks) * index.block_bytes
    counter = ByteCounter(progress, "writing the answer", size_bytes)
    write_volume(index, request.blocks, tarball, out, on_data=counter.add)
    counter.end()
    return out
