"""Output of ``repo view`` and ``repo squash``."""

from pathlib import Path

from fuel_upgrade.cli.console import print_json, print_pairs
from fuel_upgrade.repo.fullview.view import View
from fuel_upgrade.system.size import say_size


def show_view(title: str, out: Path, view: View, *, as_json: bool) -> None:
    """Print the summary of a full view or a squashed repo."""
    if as_json:
        print_json({"path": str(out), **view.to_json()})
        return
    carried = "the release's own, unchanged" if view.own_indexes else "made anew, unsigned"
    print_pairs(
        {
            title: f"{out} ({view.kind.value})",
            "packages": f"{view.packages}, {say_size(view.package_bytes)}",
            "on the disk": f"{say_size(view.new_bytes)}, not counting files shared with the chain",
            "indexes": carried,
            "content": view.fingerprint,
            **({"dropped": ", ".join(view.dropped)} if view.dropped else {}),
        }
    )
