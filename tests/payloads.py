"""Packages with all that a package can hold on a node: modes, owners, links, settings, scripts.

The packages of ``demo/packages.py`` hold one file each. These come from one description for deb
and rpm, and real debs can be changed and packed again.
"""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.system import process
from fuel_upgrade.system.files import remove_tree

_TIMEOUT_S = 120.0
_REPRODUCIBLE = {"SOURCE_DATE_EPOCH": "1416000000"}  # a kept package must be one file in both repos
_EPOCH = re.compile(r"^\d+:")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or with ``target`` a symbolic link; ``path`` is relative to the root."""

    path: str
    content: str = ""
    mode: int = 0o644
    group: str = "root"
    target: str = ""
    is_setting: bool = False


@dataclass(frozen=True, slots=True)
class Payload:
    """One package. its script writes ``state`` to ``/var/lib/NAME-state``."""

    name: str
    version: str
    entries: tuple[Entry, ...]
    depends: tuple[str, ...] = ()
    state: str = ""


def build_deb(payload: Payload, into: Path) -> Path:
    """Pack a deb with dpkg-deb; as root, for files of other groups."""
    tree = into / f"{payload.name}.tree"
    for entry in payload.entries:
        _write(entry, tree)
    settings = [f"/{entry.path}\n" for entry in payload.entries if entry.is_setting]
    control = {
        "Package": payload.name,
        "Version": payload.version,
        "Architecture": "amd64",
        "Maintainer": "Tests <tests@example.com>",
        "Depends": ", ".join(payload.depends),
        "Description": f"payload {payload.name}",
    }
    folder = tree / "DEBIAN"
    folder.mkdir(parents=True)
    (folder / "control").write_text("".join(f"{k}: {v}\n" for k, v in control.items() if v))
    (folder / "conffiles").write_text("".join(settings))
    if payload.state:
        _write_script(folder / "postinst", f"echo {payload.state} >/var/lib/{payload.name}-state")
        # no postrm: after a removal dpkg keeps it, and a line in its status, until a purge
        gone = f'[ "$1" != remove ] || rm -f /var/lib/{payload.name}-state'
        _write_script(folder / "prerm", gone)
    return _pack(tree, into)


def repack(deb: Path, into: Path, change: Callable[[str], str]) -> Path:
    """Pack a real deb again with another ``control`` text and other files.

    Its first regular file below ``/usr`` is changed, one is left out and one is new.
    """
    tree = into / f"{deb.stem}.tree"
    process.run(["dpkg-deb", "-R", str(deb), str(tree)], timeout_s=_TIMEOUT_S)
    control = tree / "DEBIAN/control"
    control.write_text(change(control.read_text()))
    files = sorted(p for p in (tree / "usr").rglob("*") if p.is_file() and not p.is_symlink())
    files[0].write_bytes(files[0].read_bytes()[::-1])
    files[-1].unlink()
    files[-1].with_name(f"{deb.stem}.of-the-base").write_text("only in the base\n")
    return _pack(tree, into)


def build_rpm(payload: Payload, into: Path) -> Path:
    """Pack an rpm with rpmbuild; its scripts are in lua, which a root without a shell runs."""
    top = into / f"{payload.name}.tree"
    tree = top / "sources"
    for entry in payload.entries:
        _write(entry, tree)
    spec = top / "payload.spec"
    spec.write_text(_spec(payload, tree))
    macros = {
        "_topdir": str(top),
        "_tmppath": str(top),
        "_dbpath": str(top / "db"),
        "_buildhost": "tests",
        "use_source_date_epoch_as_buildtime": "1",
        "clamp_mtime_to_source_date_epoch": "1",
        "_binary_payload": "w0.gzdio",
        "debug_package": "%{nil}",
        "__os_install_post": "%{nil}",
    }
    options = [word for name, text in macros.items() for word in ("--define", f"{name} {text}")]
    argv = ["rpmbuild", "-bb", "--quiet", "--target", "x86_64", *options, str(spec)]
    process.run(argv, timeout_s=_TIMEOUT_S, env=_REPRODUCIBLE)
    (built,) = (top / "RPMS").rglob("*.rpm")
    target = into / built.name
    shutil.move(built, target)
    remove_tree(top)
    return target


def _pack(tree: Path, into: Path) -> Path:
    for folder in (p for p in [tree, *tree.rglob("*")] if p.is_dir() and not p.is_symlink()):
        folder.chmod(0o755)
    argv = ["dpkg-deb", "-Znone", "--build", str(tree), str(into)]
    process.run(argv, timeout_s=_TIMEOUT_S, env=_REPRODUCIBLE)
    remove_tree(tree)
    return into


def _write(entry: Entry, tree: Path) -> None:
    path = tree / entry.path
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.target:
        path.symlink_to(entry.target)
        return
    path.write_text(entry.content)
    if entry.group != "root":
        shutil.chown(path, group=entry.group)
    path.chmod(entry.mode)  # last: a new owner takes the setuid bit away


def _write_script(path: Path, command: str) -> None:
    path.write_text(f"#!/bin/sh\nset -e\n{command}\n")
    path.chmod(0o755)


def _spec(payload: Payload, tree: Path) -> str:
    version, _, release = _EPOCH.sub("", payload.version).partition("-")
    epoch = payload.version.partition(":")[0] if ":" in payload.version else ""
    head = {
        "Name": payload.name,
        "Epoch": epoch,
        "Version": version,
        "Release": release,
        "Summary": f"payload {payload.name}",
        "License": "Apache-2.0",
        "AutoReqProv": "no",
        "Requires": ", ".join(payload.depends),
    }
    state = f"/var/lib/{payload.name}-state"
    folders = sorted({str(Path(e.path).parent) for e in payload.entries})
    own = [f"%dir /{folder}\n" for folder in folders if Path(folder).name == payload.name]
    files = [
        f"{'%config(noreplace) ' if e.is_setting else ''}"
        f"{'' if e.target else f'%attr({e.mode:o}, root, root) '}/{e.path}\n"
        for e in payload.entries
    ]
    post = (
        f"%post -p <lua>\nlocal f = io.open('{state}', 'w')\nf:write('{payload.state}\\n')\n"
        f"f:close()\n%postun -p <lua>\nif tonumber(arg[2]) == 0 then os.remove('{state}') end\n"
    )
    return (
        "".join(f"{name}: {text}\n" for name, text in head.items() if text)
        + f"%description\nA payload.\n%install\ncp -a {tree}/. %{{buildroot}}/\n"
        + (post if payload.state else "")
        + "%files\n"
        + "".join([*own, *files])
    )
