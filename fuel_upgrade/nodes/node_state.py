"""The records of ``node apply`` on a node: installed contents, and the sources to undo."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.nodes.installed_packages import Installed
from fuel_upgrade.system.files import make_folders, write_file

FOLDER = "var/lib/fuel_upgrade/node"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class SavedFile:
    """The previous state of a file: ``path`` is relative to the root, ``text`` None if absent.

    Bytes are stored as latin-1 characters.
    """

    path: str
    text: str | None
    mode: int = 0o644

    @classmethod
    def read(cls, root: Path, path: str) -> Self:
        """Read a file of a node, which need not exist."""
        try:
            text = (root / path).read_bytes().decode("latin-1")
            return cls(path, text, (root / path).stat().st_mode & 0o777)
        except FileNotFoundError:
            return cls(path, None)

    def put_back(self, root: Path) -> None:
        """Restore the file."""
        target = root / self.path
        if self.text is None:
            target.unlink(missing_ok=True)
        elif self != SavedFile.read(root, self.path):
            make_folders(target.parent)
            write_file(target, self.text.encode("latin-1"), mode=self.mode)


@dataclass(frozen=True, slots=True)
class Content:
    """The checksum of the file of an installed package, valid while its witness is unchanged."""

    version: str
    checksum: str
    witness: str


class NodeState:
    """The records below ``/var/lib/fuel_upgrade/node``.

    ``pending.json`` exists from before the first change of sources until the new ones are checked;
    then it becomes ``undo.json``. If a later run meets it, the earlier run was interrupted.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / FOLDER
        self._pending = self._folder / "pending.json"
        self._undo = self._folder / "undo.json"
        self._contents = self._folder / "contents.json"

    def begin(self, saved: Iterable[SavedFile]) -> None:
        """Record the files durably before they change."""
        self._write(self._pending, {"files": [asdict(file) for file in saved]})

    def commit(self) -> None:
        """Keep the record of ``begin`` for ``--undo``, in place of the previous one."""
        self._pending.replace(self._undo)

    def put_back_pending(self) -> bool:
        """Restore the files of an interrupted run; return whether there was one."""
        return self._put_back(self._pending)

    def put_back_undo(self) -> bool:
        """Restore the files from before the last complete run; return whether there was one."""
        return self._put_back(self._undo)

    def known(self, installed: Iterable[Installed]) -> dict[str, str]:
        """Return the checksums of packages that have not changed since they were recorded."""
        rows = self._read(self._contents).get("packages", {})
        return {
            p.key: rows[p.key]["checksum"]
            for p in installed
            if p.witness and p.key in rows and _is_same(rows[p.key], p)
        }

    def record(self, contents: Mapping[str, Content]) -> None:
        """Add contents by :attr:`Installed.key`."""
        rows = self._read(self._contents).get("packages", {})
        new = {
            key: {"version": c.version, "checksum": c.checksum, "witness": c.witness}
            for key, c in contents.items()
        }
        self._write(self._contents, {"packages": {**rows, **new}})

    def _put_back(self, record: Path) -> bool:
        files = self._read(record).get("files")
        if files is None:
            return False
        for row in files:
            SavedFile(row["path"], row["text"], row["mode"]).put_back(self._root)
        record.unlink()
        return True

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            data = json.loads(path.read_bytes())
            if data["format"] == _FORMAT and isinstance(data, dict):
                return data
            reason = f"format {data['format']}, expected {_FORMAT}"
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = str(error)
        raise PreflightError(
            f"{path} cannot be read: {reason}",
            remedy=f"check the sources of the node, remove {path}, and run the command again",
        )

    def _write(self, path: Path, data: dict[str, Any]) -> None:
        make_folders(self._folder)
        text = json.dumps({"format": _FORMAT, **data}, indent=1, sort_keys=True)
        write_file(path, text.encode(), mode=0o600)  # sources may hold passwords


def _is_same(row: Mapping[str, str], package: Installed) -> bool:
    return (row["version"], row["witness"]) == (package.version, package.witness)
