"""How a program of the tree starts: by the tree's own loader, with the tree's own libraries."""

from dataclasses import dataclass
from pathlib import Path

from runtime_tree.errors import run

PREFIX = "/usr/lib/fuel-upgrade"
LOADER = "ld-linux-x86-64.so.2"
_COMMANDS = {
    "fuel-upgrade": "fuel_upgrade.cli.entry",
    "fuel-upgraded": "fuel_upgrade.daemon.service",
}
_FLAGS = "-I -B -X utf8"

# $0 is a link such as /usr/bin/fuel-upgrade, or bin/ of a tree that lies elsewhere. The loader is
# started by a name of the command's, which is then the name of the process.
_LAUNCHER = """\
#!/bin/sh
root=${{0%/*}}
root=${{root%/bin}}
[ -f "$root/BUILD-INFO" ] || root={prefix}
exec "$root/libexec/{name}" --inhibit-cache --library-path "$root/lib" \\
    --argv0 "$root/bin/python3" "$root/libexec/python" {flags} {script}"$@"
"""
_SCRIPT = """\
from {module} import main

if __name__ == "__main__":
    main()
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The CPython in a tree. It runs at the path of the tree, independent of the build machine."""

    tree: Path

    @property
    def libraries(self) -> Path:
        """The folder of the shared libraries."""
        return self.tree / "lib"

    def loader(self, *arguments: str) -> list[str]:
        """Return a command line of the tree's loader."""
        options = ["--inhibit-cache", "--library-path", str(self.libraries)]
        return [str(self.libraries / LOADER), *options, *arguments]

    def run(self, *arguments: str, env: dict[str, str], remedy: str) -> str:
        """Run Python in the tree, where ``env`` counts (``-I`` would hide it).

        Raises:
            BuildError: it ended with an error.
        """
        python = str(self.tree / "libexec/python")
        argv = self.loader("--argv0", str(self.tree / "bin/python3"), python)
        return run([*argv, "-B", "-s", "-P", "-X", "utf8", *arguments], env=env, remedy=remedy)


def write_launchers(tree: Path) -> None:
    """Write the launchers of Python and the commands into ``bin`` and ``libexec``."""
    for name in ("python3", *_COMMANDS):
        (tree / "libexec" / name).symlink_to(f"../lib/{LOADER}")
        script = "" if name == "python3" else f'"$root/share/{name}" '
        text = _LAUNCHER.format(prefix=PREFIX, name=name, flags=_FLAGS, script=script)
        path = tree / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
    for name, module in _COMMANDS.items():
        (tree / "share" / name).write_text(_SCRIPT.format(module=module))
