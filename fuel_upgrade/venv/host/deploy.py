"""One deployment: compare, download, prove, switch, check."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from fuel_upgrade.venv.host.deploy_error import DeployError
from fuel_upgrade.venv.host.deployed import DESCRIPTION, DIGEST, DeployedVenvs, write_file
from fuel_upgrade.venv.host.host_fit import check_host, run_program
from fuel_upgrade.venv.host.repo_server import RepoServer, server_error
from fuel_upgrade.venv.host.venv_damage import find_damage

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
        self._venv = venvs.store
        self._answer: dict[str, Any] = {}
        self._is_new = False
        self.result: dict[str, Any] = {"changed": False, "bytes": 0}

    def compare(self, *, content: bool) -> None:
        """Compare the active venv with the published one, and the host with its requirements.

        Writes nothing, not even a lock. ``content`` compares the checksums of all files also when
        the published venv is the active one.

        Raises:
            DeployError: there is no such venv, or it does not fit the host.
        """
        entry = self._published()
        self._venv = self._venvs.store / f"{self._venvs.name}-{entry['inputs'][:16]}"
        active = self._venvs.active()
        damage = find_damage(self._venv, content=content) if self._venv.exists() else ["missing"]
        before = active.name if active else None
        self.result.update({"from": before, "to": self._venv.name, "damage": damage[:20]})
        changed = active != self._venv or bool(damage) or self._venvs.is_pending()
        self.result["changed"] = changed
        if changed:
            check_host(entry["requires"])

    def change(self) -> dict[str, Any]:
        """Deploy after ``compare``, if the venv differs; return the changes as JSON values.

        Raises:
            DeployError: see its message; the venv that was active is active again.
        """
        venvs, entry, venv = self._venvs, self._answer["entry"], self._venv
        if self._is_new:
            write_file(venvs.answer, json.dumps(self._answer))
        venvs.remove_leftovers(self._part(entry) if self.result["damage"] else None)
        if self.result["damage"]:
            self._make(venv, entry)
        try:
            if self.result["changed"]:
                self._activate(venv, entry)
        finally:
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

    def _published(self) -> dict[str, Any]:
        """Return the published venv by one conditional request."""
        kept: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            data = json.loads(self._venvs.answer.read_bytes())
            kept = {"etag": data["etag"], "entry": _checked(data["entry"])}
        answer = self._server.ask(self._entry_path, kept.get("etag"))
        self._is_new = answer is not None or not kept
        if self._is_new:
            content, etag = answer or (b"", None)
            try:
                kept = {"etag": etag, "entry": _checked(json.loads(content))}
            except (ValueError, KeyError, TypeError) as error:
                raise DeployError(
                    f"{self._server.url}{self._entry_path}: not a description of a venv",
                    "check that the URL is that of a repo server",
                ) from error
        self._answer = kept
        return dict(kept["entry"])

    def _part(self, entry: dict[str, Any]) -> Path:
        sha256 = entry["archive"]["sha256"]
        return self._venvs.store / f".{self._venvs.name}-{sha256[:16]}.part"

    def _make(self, venv: Path, entry: dict[str, Any]) -> None:
        """Download and unpack a venv beside the others, prove it, and put it at its path."""
        archive, part, new = entry["archive"], self._part(entry), self._venvs.unpacked
        self._check_space(entry)
        self.result["bytes"] = self._server.download(
            entry["archive_path"], part, sha256=archive["sha256"], size=archive["size_bytes"]
        )
        try:
            new.mkdir()
            with tarfile.open(part) as tar:
                tar.extractall(new, **_FILTER)  # noqa: S202 - its digest is verified
            self._prove(new, entry)
        except (tarfile.TarError, EOFError) as error:
            raise server_error(str(part), error) from error
        except (OSError, DeployError):
            shutil.rmtree(new, ignore_errors=True)  # above all where the disk is full
            raise
        self._venvs.begin()
        self._venvs.put(venv)
        part.unlink()

    def _check_space(self, entry: dict[str, Any]) -> None:
        part = self._part(entry)
        moved = part.stat().st_size if part.exists() else 0
        needed = entry["archive"]["size_bytes"] - moved + entry["unpacked_bytes"]
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
            actual = json.loads(run_program([str(venv / "bin/python"), "-IBc", _PACKAGES]))
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise DeployError(f"{venv}: {error}", "build the venv again") from error
        if actual != expected or description["inputs"] != entry["inputs"]:
            raise DeployError(f"{venv}: its packages differ from its lock", "build the venv again")

    def _activate(self, venv: Path, entry: dict[str, Any]) -> None:
        """Switch, restart the units, and check; after a failure the former venv is active again."""
        self._venvs.begin()
        self._venvs.switch(venv)
        try:
            self._restart(entry)
            if entry["check"]:
                run_program([str(self._venvs.link / entry["check"][0]), *entry["check"][1:]])
        except (OSError, subprocess.SubprocessError) as error:
            with self._venvs.undoing(), contextlib.suppress(OSError, subprocess.SubprocessError):
                self._restart(entry)
            raise DeployError(
                f"{venv.name}: {_reason(error)}",
                "correct the service or its venv; the former state is active again",
                exit_code=5,
            ) from error
        self._venvs.confirm()

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


def _checked(entry: dict[str, Any]) -> dict[str, Any]:
    """Return ``entry``; ValueError, KeyError or TypeError if it describes no venv."""
    if not re.match(DIGEST, entry["inputs"]) or not re.match(DIGEST, entry["archive"]["sha256"]):
        raise ValueError
    entry["requires"]["python"]
    return entry
