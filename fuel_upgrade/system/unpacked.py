"""A folder, or the folder that an archive holds."""

import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.system.archive import ArchiveReader
from fuel_upgrade.system.compression import open_stream
from fuel_upgrade.system.extraction import extract


@contextmanager
def unpacked(path: Path, scratch: Path, *, parts: Collection[str], kind: str) -> Iterator[Path]:
    """Yield ``path`` if it is a folder, else the content of the archive, unpacked in ``scratch``.

    An archive often holds one folder around the content, such as ``ubuntu-repo/``. ``parts`` has
    the names of folders that are content even if there is no other; ``kind`` is for errors.

    Raises:
        ConfigError: ``path`` does not exist.
        BundleError: the archive is damaged.
    """
    if path.is_dir():
        yield path
        return
    if not path.is_file():
        raise ConfigError(f"{path}: no such folder or archive", remedy=f"name an existing {kind}")
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=scratch))
    try:
        with open_stream(path) as stream:
            extract(ArchiveReader(stream, name=str(path)), folder)
        inside = list(folder.iterdir())
        is_wrapped = len(inside) == 1 and inside[0].is_dir() and inside[0].name not in parts
        yield inside[0] if is_wrapped else folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
