"""One deployment: compare, download, prove, switch, check."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

from .deploy_error import DeployError
from .deployed import DESCRIPTION, DeployedVenvs, sync_folder
from .host_fit import check_host, run_program
from .repo_server import RepoServer, server_error
from .venv_damage import find_damage

# The modes and links of the archive as they are; older interpreters have no filters.
_FILTER: dict[str, Any] = (
    {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}
)
_PACKAGES = (
    "import importlib.metadata as m, json; print(json.dumps(sorted("
    "[d.metadata['Name'].lower().replace('_', '-').replace('.', '-'), d.version]"
    " for d in m.distributions())))"
)


class Deployment:
    """One run for one service: compare, download, prove, switch, check."""

    def __init__(
        self, server: RepoServer, venvs: DeployedVenvs, platform_name: str, tag: str
    ) -> None:
        self._server = server
        self._venvs = venvs
        self._entry_path = f"/venvs/{tag}/{platform_name}/{venvs.name}.json"
        self.result: dict[str, Any] = {"changed": False, "bytes": 0}

    def run(self, *, check_only: bool = False, content: bool = False) -> dict[str, Any]:
        """Deploy if the published venv differs; return the changes as JSON values.

        ``check_only`` writes nothing. ``content`` compares the checksums of all files also when the
        published venv is the active one.

        Raises:
            DeployError: see its message; the venv that was active is active again.
        """
        venvs = self._venvs
        entry = self._published(write=not check_only)
        venv = venvs.store / f"{venvs.name}-{str(entry['inputs'])[:16]}"
        active = venvs.active()
        damage = find_damage(venv, content=content) if venv.exists() else ["missing"]
        before = active.name if active else None
        self.result.update({"from": before, "to": venv.name, "damage": damage[:20]})
        if active == venv and not damage:
            return self.result
        self.result["changed"] = True
        check_host(entry["requires"])
        if check_only:
            return self.result
        if damage:
            self._make(venv, entry)
        self._activate(venv, entry)
        self.result["removed"] = venvs.remove_old()
        return self.result

    def roll_back(self) -> dict[str, Any]:
        """Make the previous venv the active one: the link is switched, nothing else."""
        previous = self._venvs.previous()
        if previous is None:
            raise DeployError(
                f"{self._venvs.name}: there is no previous venv", "deploy one", exit_code=4
            )
        active = self._venvs.active()
        self.result.update({"from": active.name if active else None, "to": previous.name})
        self.result["changed"] = True
        self._activate(previous, json.loads((previous / DESCRIPTION).read_bytes()))
        return self.result

    def _published(self, *, write: bool) -> dict[str, Any]:
        """Return the published venv by one conditional request."""
        kept: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            kept = json.loads(self._venvs.answer.read_bytes())
        etag = kept.get("etag") if isinstance(kept.get("entry"), dict) else None
        answer = self._server.ask(self._entry_path, etag)
        if answer is None:
            return dict(kept["entry"])
        try:
            entry = json.loads(answer[0])
            entry["inputs"], entry["archive"]["sha256"], entry["requires"]["python"]
        except (ValueError, KeyError, TypeError) as error:
            raise DeployError(
                f"{self._server.url}{self._entry_path}: not a description of a venv",
                "check that the URL is that of a repo server",
            ) from error
        if write:
            _write(self._venvs.answer, {"etag": answer[1], "entry": entry})
        return dict(entry)

    def _make(self, venv: Path, entry: dict[str, Any]) -> None:
        """Download and unpack a venv beside the others, and prove it at its path."""
        store = self._venvs.store
        archive = entry["archive"]
        self._check_space(entry)
        part = store / f".{self._venvs.name}-{archive['sha256'][:16]}.part"
        for old in store.glob(f".{self._venvs.name}-*.part"):
            if old != part:
                old.unlink()
        self.result["bytes"] = self._server.download(
            entry["archive_path"], part, sha256=archive["sha256"], size=archive["size_bytes"]
        )
        new = store / f".{self._venvs.name}.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        try:
            with tarfile.open(part) as tar:
                tar.extractall(new, **_FILTER)  # noqa: S202 - its digest is verified
        except (OSError, tarfile.TarError, EOFError) as error:
            shutil.rmtree(new, ignore_errors=True)
            raise server_error(str(part), error) from error
        os.sync()
        if venv.exists():
            trash = store / f".{venv.name}.{int(time.time())}.damaged"
            venv.rename(trash)
        new.rename(venv)
        sync_folder(store)
        part.unlink()
        self._prove(venv, entry)

    def _check_space(self, entry: dict[str, Any]) -> None:
        needed = entry["archive"]["size_bytes"] + entry["unpacked_bytes"]
        free = shutil.disk_usage(self._venvs.store).free
        if free < needed:
            raise DeployError(
                f"{self._venvs.store}: {free} bytes free, {needed} needed",
                "free disk space there",
                exit_code=4,
            )

    def _prove(self, venv: Path, entry: dict[str, Any]) -> None:
        """Check that the interpreter starts and finds exactly the packages of the lock."""
        description = json.loads((venv / DESCRIPTION).read_bytes())
        expected = sorted([w["package"], w["version"]] for w in description["wheels"])
        try:
            actual = json.loads(run_program([str(venv / "bin/python"), "-I", "-c", _PACKAGES]))
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise DeployError(f"{venv}: {error}", "build the venv again") from error
        if actual != expected or description["inputs"] != entry["inputs"]:
            raise DeployError(f"{venv}: its packages differ from its lock", "build the venv again")

    def _activate(self, venv: Path, entry: dict[str, Any]) -> None:
        """Switch, restart the units, and check; after a failure the former venv is active again."""
        before = self._venvs.active()
        self._venvs.switch(venv)
        try:
            self._restart(entry)
            if entry["check"]:
                run_program([str(self._venvs.link / entry["check"][0]), *entry["check"][1:]])
        except (OSError, subprocess.SubprocessError) as error:
            self._venvs.switch(before)
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                self._restart(entry)
            raise DeployError(
                f"{venv.name}: {_reason(error)}",
                "correct the service or its venv; the former state is active again",
                exit_code=5,
            ) from error

    def _restart(self, entry: dict[str, Any]) -> None:
        verb = "try-reload-or-restart" if entry["reload"] else "try-restart"
        if entry["units"]:
            run_program(["systemctl", verb, *entry["units"]])
            self.result["units"] = entry["units"]


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = (error.stderr or error.stdout or "").strip().splitlines()
        return f"{error.cmd[0]} ended with {error.returncode}: {lines[-1] if lines else ''}"
    return str(error)


def _write(path: Path, data: dict[str, Any]) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(data))
    new.rename(path)
