"""A request to the deployer, and its execution."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuel_upgrade.venv.host.deploy import Deployment
from fuel_upgrade.venv.host.deploy_error import DeployError, host_error
from fuel_upgrade.venv.host.deployed import DeployedVenvs
from fuel_upgrade.venv.host.host_fit import host_platform
from fuel_upgrade.venv.host.repo_server import RepoServer
from fuel_upgrade.venv.host.venv_damage import find_damage

ACTIONS = ("deploy", "verify", "rollback")
DIRECTORY = Path("/openstack/venvs")


@dataclass(frozen=True)
class DeployRequest:
    """``action`` is one of ``ACTIONS``; ``rate`` is in bytes a second, 0 for no limit.

    A deployment waits a random time of at most ``jitter_s`` seconds first, to spread many hosts.
    ``check_only`` changes nothing; ``content`` compares the checksums of all files first.
    """

    action: str
    service: str
    tag: str
    directory: Path = DIRECTORY
    url: str = ""
    platform: str | None = None
    ca_file: str | None = None
    rate: int = 0
    jitter_s: float = 0
    check_only: bool = False
    content: bool = False

    def carry_out(self) -> dict[str, Any]:
        """Deploy, verify or roll back; return the changes as JSON values.

        Raises:
            DeployError: it failed; the venv that was active is active.
        """
        venvs = DeployedVenvs(self.directory.absolute(), self.service, self.tag)
        try:
            return self._verify(venvs) if self.action == "verify" else self._change(venvs)
        except OSError as error:
            raise host_error(error, venvs.store) from error

    def _change(self, venvs: DeployedVenvs) -> dict[str, Any]:
        server = RepoServer(self.url, ca_file=self.ca_file, rate=self.rate)
        deployment = Deployment(server, venvs, self.platform or host_platform(), self.tag)
        if self.action == "deploy":
            time.sleep(random.uniform(0, self.jitter_s))  # noqa: S311 - spreads many hosts
            deployment.compare(content=self.content)
            if self.check_only:
                return deployment.result
        with venvs.locked():
            if self.action == "rollback":
                return deployment.roll_back()
            return deployment.change()

    def _verify(self, venvs: DeployedVenvs) -> dict[str, Any]:
        active = venvs.active()
        if active is None:
            raise DeployError(f"{venvs.name}: no venv is deployed", "deploy it", exit_code=3)
        if damage := find_damage(active, content=True):
            raise DeployError(
                f"{active}: differs from its description: {'; '.join(damage[:20])}"
                + (f"; {len(damage) - 20} more" if len(damage) > 20 else ""),  # noqa: PLR2004
                "deploy it again with --content",
                exit_code=3,
            )
        return {"changed": False, "from": active.name, "to": active.name}
