"""The state of the daemon is its owner's alone: created so, tightened, or refused."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.system.locks import Lock, LockedPidFile
from fuel_upgrade.system.state_folder import claim_state_folder, make_private
from tests.tools import needs_root

NOBODY = 65534


@pytest.fixture(autouse=True)
def loose_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_new_folder_is_its_owners_alone(tmp_path: Path) -> None:
    assert claim_state_folder(tmp_path / "state") == ()
    assert mode(tmp_path / "state") == 0o700


def test_a_loose_folder_and_its_loose_files_are_tightened_and_named(tmp_path: Path) -> None:
    folder, file, tight = tmp_path / "state", tmp_path / "state/loose", tmp_path / "state/tight"
    folder.mkdir(mode=0o755)
    file.touch(0o644)
    tight.touch(0o600)
    assert claim_state_folder(folder) == (folder, file)
    assert (mode(folder), mode(file)) == (0o700, 0o600)
    assert claim_state_folder(folder) == ()


def test_folders_inside_keep_the_modes_with_which_their_content_goes_live(tmp_path: Path) -> None:
    staged = tmp_path / "state/staging/version.yaml"
    staged.parent.mkdir(parents=True, mode=0o755)
    (tmp_path / "state").chmod(0o755)
    staged.touch(0o644)
    claim_state_folder(tmp_path / "state")
    assert (mode(staged.parent), mode(staged)) == (0o755, 0o644)


@pytest.mark.parametrize("loose", [0o770, 0o702, 0o1777])
def test_a_folder_that_others_can_write_is_refused_as_it_is(tmp_path: Path, loose: int) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(loose)
    with pytest.raises(PreflightError, match="other than its owner") as caught:
        claim_state_folder(tmp_path / "state")
    assert f"chmod 700 {tmp_path}/state" in caught.value.remedy
    assert mode(tmp_path / "state") == loose


@needs_root()
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    os.chown(tmp_path / "state", NOBODY, NOBODY)
    with pytest.raises(PreflightError, match=f"belongs to user {NOBODY}"):
        claim_state_folder(tmp_path / "state")


def test_a_link_is_not_followed_when_modes_are_tightened(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.touch(0o644)
    (tmp_path / "link").symlink_to(outside)
    assert not make_private(tmp_path / "link")
    assert mode(outside) == 0o644


def test_locks_can_be_opened_by_their_owner_only(tmp_path: Path) -> None:
    loose = tmp_path / "loose"
    loose.touch(0o666)
    for path in (loose, tmp_path / "state/install.lock"):
        lock = Lock(path)
        assert lock.acquire()
        assert mode(path) == 0o600
        lock.release()
    assert mode(tmp_path / "state") == 0o700
    with LockedPidFile(tmp_path / "run/pid"):
        assert mode(tmp_path / "run/pid") == 0o600
