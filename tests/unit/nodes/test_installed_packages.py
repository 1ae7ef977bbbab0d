"""Reading the packages that dpkg and rpm have installed, and the records of ``node apply``."""

import os
from pathlib import Path

import pytest

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.nodes.installed_packages import Installed, parse_dpkg, parse_rpm, read_dpkg
from fuel_upgrade.nodes.node_state import Content, NodeState, SavedFile
from fuel_upgrade.nodes.rpm_header import parse_signature_md5

STATUS = """\
Package: one
Status: install ok installed
Architecture: amd64
Version: 1:1.0-1
Description: text
 Version: not this

Package: held
Status: hold ok installed
Architecture: all
Version: 2

Package: left
Status: deinstall ok config-files
Architecture: all
Version: 3
"""


def test_installed_and_held_packages_count_and_removed_ones_do_not() -> None:
    assert parse_dpkg(STATUS) == (
        (Installed("held", "all", "2", held=True), Installed("one", "amd64", "1:1.0-1")),
        (),
    )


def test_a_partly_installed_package_is_an_error() -> None:
    text = STATUS.replace("install ok installed", "install ok half-configured", 1)
    assert parse_dpkg(text)[1] == ("one",)


def dpkg_root(root: Path, status: str = STATUS) -> Path:
    (root / "var/lib/dpkg/info").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(status)
    (root / "var/lib/dpkg/info/one:amd64.list").write_text("/.\n")
    return root


def test_an_interrupted_dpkg_is_refused(tmp_path: Path) -> None:
    root = dpkg_root(tmp_path, STATUS.replace("ok installed", "ok unpacked", 1))
    with pytest.raises(PreflightError, match="interrupted: one"):
        read_dpkg(root)


def test_a_root_without_dpkg_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="expected the dpkg status"):
        read_dpkg(tmp_path)


def test_a_record_holds_until_the_package_is_unpacked_again(tmp_path: Path) -> None:
    root = dpkg_root(tmp_path)
    (_, one) = read_dpkg(root)
    NodeState(root).record({one.key: Content(one.version, "abc", one.witness)})
    assert NodeState(root).known(read_dpkg(root)) == {"one:amd64": "abc"}
    os.utime(root / "var/lib/dpkg/info/one:amd64.list", ns=(1, 1))
    assert NodeState(root).known(read_dpkg(root)) == {}


def test_without_a_witness_nothing_is_known(tmp_path: Path) -> None:
    state = NodeState(tmp_path)
    state.record({"p:all": Content("1", "abc", "")})
    assert state.known([Installed("p", "all", "1", "")]) == {}


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    state = NodeState(tmp_path)
    state.record({})
    (tmp_path / "var/lib/fuel_upgrade/node/contents.json").write_text("{")
    with pytest.raises(PreflightError, match=r"contents\.json cannot be read"):
        state.known([])


def test_files_come_back_as_they_were_and_new_ones_go(tmp_path: Path) -> None:
    old, new = tmp_path / "etc/old", tmp_path / "etc/new"
    old.parent.mkdir()
    old.write_bytes(b"caf\xe9\n")
    old.chmod(0o600)
    state = NodeState(tmp_path)
    state.begin(SavedFile.read(tmp_path, f"etc/{name}") for name in ("old", "new"))
    old.unlink()
    new.write_text("x")
    assert state.put_back_pending()
    assert (old.read_bytes(), old.stat().st_mode & 0o777) == (b"caf\xe9\n", 0o600)
    assert not new.exists()
    assert not state.put_back_pending()


def test_an_undo_is_kept_until_a_later_run_is_complete(tmp_path: Path) -> None:
    state = NodeState(tmp_path)
    state.begin([SavedFile("f", "first")])
    state.commit()
    state.begin([SavedFile("f", "second")])
    assert state.put_back_pending()
    assert state.put_back_undo()
    assert (tmp_path / "f").read_text() == "first"


def test_rpm_rows_become_packages_and_keys_do_not() -> None:
    text = "b\tnoarch\t0:1-1\tabc\na\tx86_64\t2:1-1\t(none)\ngpg-pubkey\t(none)\t1-1\t(none)\n"
    assert parse_rpm(text) == (
        Installed("a", "x86_64", "2:1-1", ""),
        Installed("b", "noarch", "1-1", "abc"),
    )


@pytest.mark.parametrize("head", [b"", bytes(200), bytes(96) + b"\x8e\xad\xe8\x01"])
def test_other_files_than_rpms_prove_nothing(head: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut short|begins with"):
        parse_signature_md5(head)
