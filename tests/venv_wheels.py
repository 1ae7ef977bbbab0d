"""Wheels made by hand (PEP 427), and a repo of venvs that nginx serves."""

import base64
import hashlib
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.web_server import NGINX_USER, free_port, running

_SNIPPET = Path(__file__).parents[1] / "etc/nginx/fuel-upgrade-repo.conf"
_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; {user}
events {{}}
http {{
  log_format sent '$request_method $uri $status $bytes_sent';
  access_log {folder}/access.log; access_log {folder}/sent.log sent;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; uwsgi_temp_path {folder}/u;
  fastcgi_temp_path {folder}/fastcgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; include {snippet}; }}
}}
"""


def make_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    requires: tuple[str, ...] = (),
    files: Mapping[str, str] | None = None,
    command: str = "",
    tag: str = "py3-none-any",
) -> Path:
    """Write a wheel with one module of its name; ``command`` is a console script of ``main``."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {text}\n" for text in requires)
    content = {
        f"{name}.py": f"VERSION = {version!r}\n\n\ndef main():\n    print(VERSION)\n",
        **(files or {}),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    if command:
        content[f"{info}/entry_points.txt"] = f"[console_scripts]\n{command} = {name}:main\n"
    lines = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in content.items()]
    content[f"{info}/RECORD"] = "\n".join((*lines, f"{info}/RECORD,,", ""))
    path = folder / f"{name}-{version}-{tag}.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in content.items():
            archive.writestr(zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0)), text)
    return path


def _digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class RepoServer:
    """nginx with the shipped snippet; ``requests`` are the lines of its log."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log = folder / "access.log"
        self._sent = folder / "sent.log"

    def requests(self) -> list[str]:
        """Return method, path, status and bytes of the body of each request so far."""
        parts = [line.split('"') for line in self._log.read_text().splitlines()]
        return [f"{part[1].rsplit(' ', 1)[0]} {part[2].strip()}" for part in parts]

    def sent(self) -> list[tuple[str, str, str, int]]:
        """Return method, path, status and bytes, also those of the headers, of each answer."""
        lines = [line.split() for line in self._sent.read_text().splitlines()]
        return [(method, path, status, int(size)) for method, path, status, size in lines]


@contextmanager
def serving_repo(folder: Path, root: Path) -> Iterator[RepoServer]:
    """Serve a repo of venvs on loopback."""
    folder.mkdir(parents=True)
    port = free_port()
    text = _NGINX.format(folder=folder, root=root, port=port, snippet=_SNIPPET, user=NGINX_USER)
    (folder / "nginx.conf").write_text(text)
    nginx = shutil.which("nginx") or "nginx"
    argv = [nginx, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with running(argv, port, folder / "server.log"):
        yield RepoServer(folder, port)
