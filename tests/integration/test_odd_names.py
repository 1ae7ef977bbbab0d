"""A name that is not UTF-8 is refused, and no command fails because of it, after a restart too."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.host import Host, make_host
from tests.hostile.raw_tar import PUPPET, Tarball, member
from tests.programs import Done

ODD = "\udcff\udcfe"
X = b"hostile\n"


def with_odd_member(folder: Path) -> Path:
    """Write a tarball with a member whose name is not UTF-8, which only the unpacking reads."""
    path = folder / "fuel.tar"
    path.write_bytes(Tarball(behind_payload=member(f"{PUPPET}/{ODD}", X)).to_bytes())
    return path


def at_odd_path(folder: Path) -> Path:
    path = folder / f"fuel-{ODD}.tar"
    path.write_bytes(Tarball().to_bytes())
    return path


def in_odd_folder(folder: Path) -> Path:
    """Write two tarballs, of which the daemon learns the names itself."""
    place = folder / "tarballs"
    place.mkdir()
    at_odd_path(place)
    (place / "fuel.tar").write_bytes(Tarball().to_bytes())
    return place


@pytest.mark.parametrize(
    ("write", "code", "states"),
    [(with_odd_member, 3, ["rolled back"]), (at_odd_path, 2, []), (in_odd_folder, 2, [])],
)
def test_a_name_that_is_not_utf_8_is_refused_and_every_command_goes_on(
    tmp_path: Path, write: Callable[[Path], Path], code: int, states: list[str]
) -> None:
    host = make_host(tmp_path / "root")
    tarball = write(tmp_path)
    with host.daemon():
        for form in ((), ("--json",)):
            done = host.command("install", tarball, *form)
            assert done.returncode == code, done.stderr
            assert re.search(r"not( in)? UTF-8", done.stdout + done.stderr)
            _require_printable(done)
        before = _shown(host, states)
    with host.daemon():
        assert _shown(host, states) == before


def _shown(host: Host, states: list[str]) -> list[str]:
    """Require that each command shows the installs; return the outputs."""
    installs = host.json("history")["installs"]
    assert [install["state"] for install in installs] == states * 2
    shown = [("status",), ("history",), *(("show", install["id"]) for install in installs)]
    done = [host.command(*words, *form) for words in shown for form in ((), ("--json",))]
    for one in done:
        assert one.returncode == 0, one.stderr
        _require_printable(one)
    return [one.stdout for one in done[2:]]  # the status has the port of the registry


def _require_printable(done: Done) -> None:
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed
    assert all(line.isprintable() for line in printed.splitlines())
