"""An ISO image of an upgrade tarball, for media and virtual drives."""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import gmtime, strftime
from typing import Any

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.tarball_difference import digest_of
from fuel_upgrade.bundle.tarball_file import ISO_SUFFIX, SUFFIXES
from fuel_upgrade.bundle.verify import read_head_and_texts
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.system.files import remove_tree, rename, sync_filesystem
from fuel_upgrade.system.new_output import require_new
from fuel_upgrade.system.process import run
from fuel_upgrade.system.progress import Progress

_TIMEOUT_S = 24 * 3600
_EARLIEST_S = 315532800  # 1980: xorriso takes 1970 as "no time"
_LABEL_CHARS = 32  # ECMA-119 8.4.7
# The image has no times, owners or ids of its own: the same tarball gives the same bytes.
_LAYOUT = ("-r", "-J", "-iso-level", "3", "-uid", "0", "-gid", "0")


@dataclass(frozen=True, slots=True)
class IsoSummary:
    """An image that was built: its size in bytes, its volume label, and the tarball in it."""

    path: Path
    size_bytes: int
    label: str
    tarball: str
    seal_sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` prints."""
        return {
            "path": str(self.path),
            "bytes": self.size_bytes,
            "label": self.label,
            "tarball": self.tarball,
            "seal_sha256": self.seal_sha256,
        }


def build_iso(tarball: Path, out: Path, *, progress: Progress) -> IsoSummary:
    """Write an image with the tarball and its ``upgrade.sh``; it appears only if it is complete.

    Raises:
        ConfigError: a file has another suffix, or ``out`` exists.
        BundleError: it is no upgrade tarball.
        CommandError: xorriso is missing, or failed.
    """
    if out.suffix != ISO_SUFFIX or not tarball.name.endswith(SUFFIXES):
        wrong, suffix = (out, ISO_SUFFIX) if out.suffix != ISO_SUFFIX else (tarball, ".tar.zst")
        raise ConfigError(f"{wrong}: expected a name in {suffix}", remedy="choose such a name")
    require_new(out)
    head, texts = read_head_and_texts(tarball)
    label = re.sub("[^A-Z0-9_]", "_", f"FUEL_{head.fuel_version}".upper())[:_LABEL_CHARS]
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        script = scratch / manifest.SCRIPT
        script.write_text(texts[manifest.SCRIPT])
        script.chmod(0o755)
        image = scratch / out.name
        progress("writing the image", 0, 1)
        suffix = next(suffix for suffix in SUFFIXES if tarball.name.endswith(suffix))
        name = f"fuel-{head.fuel_version}-upgrade{suffix}"  # upgrade.sh beside it looks for this
        _write(image, label, {name: tarball.absolute(), script.name: script})
        progress("writing the image", 1, 1)
        _compare(tarball, image, progress)
        sync_filesystem(image)
        rename(image, out)
    finally:
        remove_tree(scratch)
    return IsoSummary(out, out.stat().st_size, label, name, head.seal_sha256)


def _write(image: Path, label: str, files: dict[str, Path]) -> None:
    grafts = [f"/{_escaped(name)}={_escaped(str(path))}" for name, path in files.items()]
    time_s = _source_date()
    argv = ["xorriso", "-as", "mkisofs", "-quiet", *_LAYOUT, "-V", label, "-o", str(image)]
    argv += ["--set_all_file_dates", strftime("%Y%m%d%H%M%S00", gmtime(time_s))]
    run(
        [*argv, "-graft-points", *grafts],
        timeout_s=_TIMEOUT_S,
        env={"SOURCE_DATE_EPOCH": str(time_s), "TZ": "UTC"},
        package="xorriso",
    )


def _source_date() -> int:
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    try:
        return max(int(text), _EARLIEST_S)
    except ValueError as error:
        raise ConfigError(
            f"SOURCE_DATE_EPOCH: expected seconds since 1970, found {text!r}",
            remedy="correct or unset this variable",
        ) from error


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace("=", "\\=")


def _compare(tarball: Path, image: Path, progress: Progress) -> None:
    """Read the tarball and its copy in the image."""
    sums = []
    for number, path in enumerate((tarball, image)):
        progress("comparing", number, 2)
        sums.append(digest_of(path))
    progress("comparing", 2, 2)
    if sums[0] != sums[1]:
        raise BundleError(
            f"{image}: differs from {tarball}", remedy="check the disk, and run again"
        )
