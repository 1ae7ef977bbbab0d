"""The requirements of a venv compared with this host."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
from pathlib import Path

from .deploy_error import DeployError

_TIMEOUT_S = 300


def check_host(requires: dict[str, str]) -> None:
    """Compare the requirements of a venv with this host, before anything is written.

    Raises:
        DeployError: the host lacks something; all differences are in the message.
    """
    interpreter = requires["interpreter"]
    program = (
        "import json, platform, sysconfig as s; print(json.dumps([platform.python_version(),"
        " s.get_config_var('SOABI') or '', platform.machine(), platform.libc_ver()[1]]))"
    )
    try:
        version, abi, machine, glibc = json.loads(run_program([interpreter, "-I", "-c", program]))
    except (OSError, ValueError, subprocess.SubprocessError):
        raise DeployError(
            f"{interpreter}: expected Python {requires['python']}, found no working interpreter",
            f"install Python {requires['python']} there, or build a venv for this system",
            exit_code=4,
        ) from None
    faults = [
        f"{name}: expected {expected}, found {actual}"
        for name, expected, actual, fits in (
            ("Python", requires["python"], version, version.startswith(f"{requires['python']}.")),
            ("ABI", requires["abi"], abi, requires["abi"] == abi),
            ("architecture", requires["machine"], machine, requires["machine"] == machine),
            ("glibc", f"{requires['glibc']} or newer", glibc, _newer(glibc, requires["glibc"])),
        )
        if not fits
    ]
    if faults:
        raise DeployError(
            "this host does not fit the venv: " + "; ".join(faults),
            "build a venv for this system",
            exit_code=4,
        )


def host_platform() -> str:
    """Return ``<distribution>-<version>-<architecture>`` of this host, as in os-release(5)."""
    facts = {}
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        key, separator, value = line.partition("=")
        if separator and value:
            facts[key] = "".join(shlex.split(value))
    version = facts.get("VERSION_ID", "rolling")
    return f"{facts['ID']}-{version}-{platform.machine()}".lower()


def run_program(argv: list[str]) -> str:
    """Run a program, and return its output; subprocess errors if it fails."""
    # A module of Ansible should call run_command; this code also runs without Ansible.
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        argv, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
        stdin=subprocess.DEVNULL, errors="replace",
    )  # fmt: skip
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, argv, done.stdout, done.stderr)
    return done.stdout


def _newer(actual: str, lowest: str) -> bool:
    def parts(text: str) -> list[int]:
        return [int(part) for part in text.split(".") if part.isdigit()]

    return not lowest or parts(actual) >= parts(lowest)
