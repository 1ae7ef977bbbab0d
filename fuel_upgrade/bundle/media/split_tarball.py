"""Writes the volumes of a tarball and their recovery volumes as one new folder."""

from pathlib import Path

from fuel_upgrade.bundle.media.recovery_volumes import add_recovery
from fuel_upgrade.bundle.media.volumes import split
from fuel_upgrade.bundle.verify import read_head
from fuel_upgrade.repo.build import written_whole
from fuel_upgrade.system.progress import Progress


def split_tarball(
    tarball: Path, out: Path, volume_bytes: int, percent: int, *, progress: Progress
) -> tuple[Path, ...]:
    """Write the new folder ``out``, complete, with recovery volumes for ``percent`` of the data.

    Raises:
        ConfigError: ``out`` exists, or volumes of this size are too small.
        BundleError: it is no upgrade tarball.
        CommandError: par2 is missing, or failed.
    """
    read_head(tarball)
    with written_whole(out) as folder:
        volumes = split(tarball, folder, volume_bytes=volume_bytes, progress=progress)
        if percent:
            progress("writing recovery volumes", 0, 1)
            add_recovery(volumes, percent, tarball.name)
            progress("writing recovery volumes", 1, 1)
    return tuple(sorted(out.iterdir()))
