"""The facts of this machine that a reader of the figures needs."""

import os
import platform
import shutil
import subprocess
from pathlib import Path


def facts(scratch: Path) -> dict[str, object]:
    """Return the processor, memory, file system, system, interpreter and load."""
    info = Path("/proc/cpuinfo").read_text()
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    names = {name.strip(): value.strip() for name, value in fields.items()}
    flags = names.get("flags", names.get("Features", "")).split()
    return {
        "processor": names.get("model name", platform.machine()),
        "cores": os.cpu_count(),
        "sha_extensions": bool({"sha_ni", "sha2"} & set(flags)),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "file_system": _file_system(scratch),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _file_system(folder: Path) -> str:
    if not shutil.which("stat"):
        return "unknown"
    argv: list[str | Path] = ["stat", "--file-system", "--format=%T", folder]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
