"""Wheels of a build: fetched by their digest, or built once for an interpreter, and kept."""

import hashlib
import json
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
from packaging.utils import canonicalize_name, parse_wheel_filename
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.system.files import hash_file, write_file
from fuel_upgrade.venv.interpreter import Interpreter
from fuel_upgrade.venv.python_tool import PackageIndex, PythonTool
from fuel_upgrade.venv.repo_store import RepoStore
from fuel_upgrade.venv.venv_index import Wheel
from fuel_upgrade.venv.wheel_names import Artifact

_CONNECTIONS = 4
_TIMEOUT_S = 120
_CHUNK_BYTES = 1 << 20
_RETRIES = Retry(total=5, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504))


class WheelStore:
    """Wheels in the blobs of a repo; ``.builds`` maps the inputs of a built wheel to the wheel."""

    def __init__(
        self, store: RepoStore, tool: PythonTool, interpreter: Interpreter, scratch: Path
    ) -> None:
        self._store = store
        self._tool = tool
        self._interpreter = interpreter
        self._scratch = scratch
        self._builds = store.root / ".builds"

    def fetch(self, artifacts: Iterable[Artifact], index: PackageIndex) -> tuple[Wheel, ...]:
        """Return the wheels of a lock, in its order: downloaded, verified, and built from sources.

        Raises:
            OutsideError: a file cannot be read, differs from its digest, or does not build.
        """
        wanted = tuple(artifacts)
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            files = list(pool.map(self._fetch, wanted))
        return tuple(
            self._wheel(artifact.name, artifact.sha256)
            if artifact.is_wheel
            else self._of_archive(artifact, file, index)
            for artifact, file in zip(wanted, files, strict=True)
        )

    def build(self, project: Path, inputs: str, index: PackageIndex) -> Wheel:
        """Build the wheel of a folder, and record ``inputs`` for :meth:`known`.

        Raises:
            OutsideError: the project does not build.
        """
        out = Path(tempfile.mkdtemp(prefix="built-", dir=self._scratch))
        self._tool.build_wheel(project, out, self._interpreter.path, index)
        wheels = list(out.glob("*.whl"))
        if len(wheels) != 1:
            raise OutsideError(
                f"{project.name}: {len(wheels)} wheels were built, expected 1",
                remedy="correct the project",
            )
        wheel = self._wheel(wheels[0].name, self._store.keep(wheels[0]))
        self._builds.mkdir(exist_ok=True)
        record = json.dumps({"file": wheel.file, "sha256": wheel.sha256})
        write_file(self._builds / self._key(inputs), record.encode())
        return wheel

    def known(self, inputs: str) -> Wheel | None:
        """Return the wheel that was built from the same inputs, if it is whole."""
        with suppress(OSError, ValueError, KeyError):
            record = json.loads((self._builds / self._key(inputs)).read_bytes())
            if self._store.is_whole(record["sha256"]):
                return self._wheel(record["file"], record["sha256"])
        return None

    def folder_of(self, wheels: Iterable[Wheel], folder: Path) -> Path:
        """Link wheels by their names into a new folder, for a tool that installs from it."""
        folder.mkdir()
        for wheel in wheels:
            (folder / wheel.file).hardlink_to(self._store.blob(wheel.sha256))
        return folder

    def _key(self, inputs: str) -> str:
        of = (inputs, self._interpreter.abi, self._interpreter.machine, self._interpreter.glibc)
        return hashlib.sha256(json.dumps(of).encode()).hexdigest()

    def _wheel(self, name: str, sha256: str) -> Wheel:
        package, version, _, _ = parse_wheel_filename(name)
        # The names in the repo: a builder that takes wheels from there makes the same venv.
        return Wheel(canonicalize_name(package), str(version), name.lower(), sha256)

    def _fetch(self, artifact: Artifact) -> Path:
        path = self._store.blob(artifact.sha256)
        if self._store.is_whole(artifact.sha256):
            return path
        new = self._scratch / f"{artifact.sha256}.part"
        try:
            _download(artifact.url, new)
        except (OSError, requests.RequestException) as error:
            raise OutsideError(
                f"{artifact.name}: {error}", remedy="make the package index reachable, and go on"
            ) from error
        if (actual := hash_file(new)) != artifact.sha256:
            raise OutsideError(
                f"{artifact.name}: SHA-256 {actual}, expected {artifact.sha256}",
                remedy="repair the package index",
            )
        self._store.keep(new)
        new.unlink()
        return path

    def _of_archive(self, artifact: Artifact, file: Path, index: PackageIndex) -> Wheel:
        if known := self.known(artifact.sha256):
            return known
        folder = self._scratch / f"source-{artifact.package}"
        _unpack(file, artifact.name, folder)
        projects = [path for path in folder.iterdir() if path.is_dir()]
        if len(projects) != 1:
            raise OutsideError(
                f"{artifact.name}: {len(projects)} folders, expected 1 (PEP 517)",
                remedy="choose another version of the package",
            )
        return self.build(projects[0], artifact.sha256, index)


def _unpack(file: Path, name: str, folder: Path) -> None:
    folder.mkdir()
    try:
        if name.endswith(".zip"):
            with zipfile.ZipFile(file) as archive:
                archive.extractall(folder)  # noqa: S202 - zipfile removes absolute names and ..
        else:
            with tarfile.open(file) as archive:
                archive.extractall(folder, filter="data")
    except (OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise OutsideError(f"{name}: {error}", remedy="choose another version") from error


def _download(url: str, target: Path) -> None:
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        shutil.copyfile(unquote(parts.path), target)
        return
    with requests.Session() as session, target.open("wb") as out:
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=_RETRIES))
        with session.get(url, stream=True, timeout=_TIMEOUT_S) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_content(_CHUNK_BYTES):
                out.write(chunk)
