"""Registered releases in a table."""

from collections.abc import Sequence
from typing import Any

from fuel_upgrade.cli.console import print_table


def print_releases(releases: Sequence[dict[str, Any]]) -> None:
    """Print releases as the API gives them, a line a repo."""
    rows = [
        (
            release["id"],
            release["name"],
            release["version"],
            release["state"],
            "\n".join(f"{repo['name']}: {repo['location']}" for repo in release["repos"]) or "none",
        )
        for release in releases
    ]
    print_table(("id", "release", "version", "state", "repos"), rows, empty="no releases")
