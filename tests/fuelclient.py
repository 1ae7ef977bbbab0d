"""Fuel's own command-line client, from the package index, in a venv of its own."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.index_venv import venv_with

_REQUIREMENTS = Path(__file__).with_name("fuelclient_requirements.txt")
_TIMEOUT_S = 60


@dataclass
class FuelClient:
    """The commands ``fuel`` and ``fuel2`` as a user of a registry; files are in ``folder``."""

    bin: Path
    folder: Path
    url: str
    password: str

    def run(self, *words: str, fails: bool = False) -> str:
        """Run a command and return its output; it must succeed, or fail without a traceback."""
        done = subprocess.run(
            [str(self.bin / words[0]), *words[1:]],
            cwd=self.folder,
            env={**os.environ, **self._environment()},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        output = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, f"{' '.join(words)}: {output}"
        assert "Traceback" not in output, output
        return output

    def _environment(self) -> Mapping[str, str]:
        address = urlsplit(self.url)
        return {
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "SERVER_ADDRESS": str(address.hostname),
            "SERVER_PORT": str(address.port),
            "OS_USERNAME": "admin",
            "OS_PASSWORD": self.password,
            "OS_TENANT_NAME": "admin",
            "PYTHONWARNINGS": "ignore",
        }


def installed(folder: Path) -> Path:
    """Return the programs of the client, installed below ``folder``."""
    return venv_with(_REQUIREMENTS, folder)
