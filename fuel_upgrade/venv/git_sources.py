"""Git repositories of Python projects: mirrors that are updated, and checkouts at a commit."""

import os
import re
from pathlib import Path

from fuel_upgrade.errors import CommandError, ConfigError, OutsideError
from fuel_upgrade.system.files import remove_tree
from fuel_upgrade.system.process import run
from fuel_upgrade.venv.venv_spec import SourceSpec

_COMMIT = re.compile(r"^[0-9a-f]{40}([0-9a-f]{24})?$")
_TIMEOUT_S = 1800


class GitSource:
    """The mirror of one repository below ``folder``."""

    def __init__(self, folder: Path, name: str, spec: SourceSpec) -> None:
        self._mirror = folder / f"{name}.git"
        self._name = name
        self._spec = spec

    def fetch(self, *, online: bool) -> str:
        """Make or update the mirror; return the commit of the revision.

        A commit that the mirror has costs no connection. Without ``online`` only repositories on
        this machine are read.

        Raises:
            OutsideError: the repository cannot be read.
            ConfigError: it has no such revision.
        """
        reachable = online or self._spec.git.startswith(("/", "file:///"))
        if not self._mirror.is_dir():
            if not reachable:
                raise ConfigError(
                    f"sources.{self._name}: no mirror of {self._spec.git} here",
                    remedy="build once without --offline",
                )
            self._clone()
        elif reachable and not (_COMMIT.match(self._spec.revision) and self._resolved()):
            self._git("fetch", "--quiet", "--prune", "--tags", "--force", "origin")
        commit = self._resolved()
        if commit is None:
            raise ConfigError(
                f"sources.{self._name}: {self._spec.git} has no revision {self._spec.revision!r}",
                remedy="correct the revision in the spec",
            )
        return commit

    def check_out(self, commit: str, target: Path) -> Path:
        """Check a commit out in the new folder ``target``; return the folder of the project.

        The checkout has the history: build backends such as pbr take the version from it.
        """
        mirror = str(self._mirror)
        _git(["clone", "--quiet", "--shared", "--no-checkout", mirror, str(target)])
        _git(["-C", str(target), "checkout", "--quiet", "--detach", commit])
        project = target / self._spec.subfolder
        if not project.resolve().is_relative_to(target.resolve()) or not project.is_dir():
            raise ConfigError(
                f"sources.{self._name}.subfolder: {self._spec.subfolder} is no folder of it",
                remedy="correct the subfolder in the spec",
            )
        return project

    def _clone(self) -> None:
        new = self._mirror.with_name(f".{self._mirror.name}.{os.getpid()}")
        try:
            _git(["clone", "--quiet", "--mirror", "--", self._spec.git, str(new)])
            new.rename(self._mirror)
        finally:
            if new.is_dir():
                remove_tree(new)

    def _resolved(self) -> str | None:
        try:
            commit = self._git(
                "rev-parse", "--verify", "--quiet", f"{self._spec.revision}^{{commit}}"
            )
        except OutsideError:
            return None
        return commit.strip()

    def _git(self, *arguments: str) -> str:
        return _git(["-C", str(self._mirror), *arguments])


def _git(arguments: list[str]) -> str:
    # Line ends as in the commit, whatever the builder's own configuration says.
    argv = ["git", "-c", "core.autocrlf=false", *arguments]
    try:
        return run(argv, timeout_s=_TIMEOUT_S, env={"GIT_TERMINAL_PROMPT": "0"})
    except CommandError as error:
        raise OutsideError(
            error.what, remedy="check the address in the spec and the network"
        ) from error
