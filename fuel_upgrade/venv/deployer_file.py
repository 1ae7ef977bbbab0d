"""The deployer as one executable file: a zipapp of ``venv/host`` (PEP 441)."""

import io
import zipfile
from importlib.resources import files
from pathlib import Path

from fuel_upgrade.system.files import write_file

_PACKAGE = "fuel_upgrade/venv/host"
_SHEBANG = b"#!/usr/bin/env python3\n"
_START = "import sys\n\nfrom fuel_upgrade.venv.host.__main__ import main\n\nsys.exit(main())\n"
_TIME = (1980, 1, 1, 0, 0, 0)


def write_deployer(out: Path) -> None:
    """Write the file; the same version of the package gives the same bytes."""
    sources = {
        f"{_PACKAGE}/{source.name}": source.read_text(encoding="utf-8")
        for source in sorted(files("fuel_upgrade.venv.host").iterdir(), key=lambda path: path.name)
        if source.name.endswith(".py")
    }
    sources |= {"fuel_upgrade/__init__.py": "", "fuel_upgrade/venv/__init__.py": ""}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**sources, "__main__.py": _START}.items():
            archive.writestr(zipfile.ZipInfo(name, _TIME), text)
    write_file(out, _SHEBANG + content.getvalue(), mode=0o755)
