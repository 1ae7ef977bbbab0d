"""Long files of a tarball are hashed once, and refused if they change meanwhile."""

import hashlib
import io
from pathlib import Path

import pytest

from fuel_upgrade.bundle.contents import Contents
from fuel_upgrade.errors import BundleError
from fuel_upgrade.system.hashing import Hasher
from fuel_upgrade.system.progress import no_progress

LONG = b"long" * (1 << 19)
PUPPET = "upgrade/puppet/2014.2-6.0"


def contents_of(folder: Path, known: dict[str, str] | None = None) -> Contents:
    contents = Contents()
    contents.add_tree(PUPPET, folder, known)
    return contents


class CountingDigest:
    """A digest that counts the bytes of all digests."""

    hashed_bytes = 0

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def update(self, data: bytes | memoryview, /) -> None:
        CountingDigest.hashed_bytes += len(data)
        self._digest.update(data)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_long_file_is_hashed_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_listed: bool,  # noqa: FBT001
) -> None:
    (tmp_path / "long").write_bytes(LONG)
    known = {"long": hashlib.sha256(LONG).hexdigest()}
    contents = contents_of(tmp_path, known if is_listed else None)
    # Patched, because the bytes that are hashed while the tarball is written are the claim.
    monkeypatch.setattr(Hasher, "new", lambda _self, _size: CountingDigest())
    monkeypatch.setattr(CountingDigest, "hashed_bytes", 0)
    contents.write(io.BytesIO(), progress=no_progress)
    assert CountingDigest.hashed_bytes == (len(LONG) if is_listed else 0)


@pytest.mark.parametrize("size_bytes", [10, len(LONG)])
def test_a_file_that_changes_after_it_was_hashed_is_refused(
    tmp_path: Path, size_bytes: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(LONG[:size_bytes])
    contents = contents_of(tmp_path)
    path.write_bytes(LONG[-size_bytes:-1] + b"!")
    with pytest.raises(BundleError, match="file: "):
        contents.write(io.BytesIO(), progress=no_progress)
