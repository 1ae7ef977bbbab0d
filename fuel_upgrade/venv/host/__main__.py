"""The command line of the deployer; prints one JSON object."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from fuel_upgrade.venv.host.deploy_error import DeployError
from fuel_upgrade.venv.host.request import ACTIONS, DIRECTORY, DeployRequest


def main(argv: list[str] | None = None) -> int:
    """Deploy, verify or roll back; return the exit code."""
    parser = argparse.ArgumentParser(description="Deploy a venv where it differs.")
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("service")
    parser.add_argument("--tag", required=True)
    parser.add_argument("--url", default="")
    parser.add_argument("--directory", type=Path, default=DIRECTORY)
    parser.add_argument("--platform", help="default: that of this host")
    parser.add_argument("--ca-file")
    parser.add_argument("--rate", type=int, default=0, help="bytes a second; 0: no limit")
    parser.add_argument(
        "--jitter",
        dest="jitter_s",
        type=float,
        default=0,
        help="wait a random time first, s at most",
    )
    parser.add_argument("--check", dest="check_only", action="store_true", help="change nothing")
    parser.add_argument("--content", action="store_true", help="compare all checksums first")
    options = vars(parser.parse_args(argv))
    try:
        result = DeployRequest(**options).carry_out()
    except DeployError as error:
        answer = {"error": str(error), "remedy": error.remedy, "changed": False}
        sys.stdout.write(json.dumps(answer) + "\n")
        return error.exit_code
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
