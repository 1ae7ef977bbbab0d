"""Repos of venvs without venvs: archives and wheels of any text, published by the real store."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from fuel_upgrade.venv.interpreter import Requires
from fuel_upgrade.venv.repo_store import RepoStore
from fuel_upgrade.venv.venv_index import Archive, VenvEntry, VenvIndex, Wheel

PLATFORM = "debian-12-x86_64"
_REQUIRES = Requires("3.11", "/usr/bin/python3.11", "cpython-311", "x86_64", "2.17")


def fake_entry(service: str, tag: str, content: str, *, wheel: str = "wheel") -> VenvEntry:
    """Return the venv of a service whose archive and only wheel have these contents."""
    data = content.encode()
    sha256 = hashlib.sha256(data).hexdigest()
    return VenvEntry(
        service=service,
        tag=tag,
        platform=PLATFORM,
        directory="/openstack/venvs",
        inputs=sha256,
        tree=sha256,
        archive=Archive(sha256, hashlib.sha1(data).hexdigest(), len(data)),
        requires=_REQUIRES,
        wheels=(Wheel(wheel, "1", f"{wheel}-1-py3-none-any.whl", _sha256(wheel)),),
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def publish_venvs(
    root: Path, tag: str, contents: Mapping[str, str], *, wheel: str = "wheel"
) -> VenvIndex:
    """Publish a venv of each service with this content of its archive; return the index."""
    store, folder = RepoStore(root), root.with_name(f"{root.name}-work")
    folder.mkdir(exist_ok=True, parents=True)
    with store.locked():
        for text in (*contents.values(), wheel):
            (folder / "blob").write_text(text)
            store.keep(folder / "blob")
        entries = [fake_entry(name, tag, text, wheel=wheel) for name, text in contents.items()]
        store.publish(store.read_index().replaced(entries))
    return store.read_index()


def reader_view(root: Path) -> dict[str, str]:
    """Return the content of every file that a web server gives, by path, with its time."""
    files = {}
    for folder in ("venvs", "os-releases", "pools", "links"):
        real = (root / folder).resolve()
        for path in filter(Path.is_file, sorted(real.rglob("*"))):
            name = f"{folder}/{path.relative_to(real)}"
            files[name] = f"{path.read_text()} {path.stat().st_mtime}"
    return files
