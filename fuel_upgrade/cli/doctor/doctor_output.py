"""Output and exit codes of the commands that check a host."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fuel_upgrade.cli.client.daemon_client import Target
from fuel_upgrade.cli.console import echo, print_json
from fuel_upgrade.cli.text_columns import fold, terminal_width
from fuel_upgrade.config import settings_path
from fuel_upgrade.doctor.all_checks import Host, check_host
from fuel_upgrade.doctor.check import Check, Verdict, checks_json, worst
from fuel_upgrade.doctor.settings_checks import NAME, read_settings
from fuel_upgrade.doctor.support_archive import write_support
from fuel_upgrade.errors import ConfigError, PreflightError

_INDENT = 9
_SHOWN = {Verdict.OK: "ok", Verdict.WARNING: "warning", Verdict.FAILURE: "FAILURE"}


def check_and_pack(target: Target, bundle: Path | None, *, force: bool, as_json: bool) -> int:
    """Check the host, write a support archive if requested, print, and return the exit code.

    Raises:
        ConfigError: the archive exists, or cannot be written.
    """
    host = Host(target.config, target.root, target.socket, os.environ)
    settings = host.settings()
    checks = tuple(check_host(host, settings))
    inside: tuple[str, ...] = ()
    if bundle is not None:
        inside = write_support(bundle, settings, checks, os.environ, force=force, now_s=time.time())
    if as_json:
        packed = {"file": str(bundle), "parts": list(inside)} if bundle else None
        print_json({**checks_json(checks), "bundle": packed})
    else:
        _show(checks)
        if bundle is not None:
            echo(f"packed for support, secrets masked: {bundle} ({len(inside)} parts)")
    return _exit_code(checks)


def check_settings(target: Target, *, as_json: bool) -> int:
    """Check the configuration file, print, and return the exit code."""
    place = settings_path(target.config, root=target.root)
    checks = read_settings(place, is_named=target.config is not None, root=target.root).checks
    if as_json:
        print_json(checks_json(checks))
    else:
        _show(checks)
    return _exit_code(checks)


def _show(checks: Sequence[Check]) -> None:
    width = terminal_width(sys.stdout)
    for check in checks:
        line = f"{_SHOWN[check.verdict]:<{_INDENT}}{check.name}: {check.detail}"
        echo("\n".join(fold(line, width, indent=_INDENT)))
        if check.remedy:
            remedy = f"{'':<{_INDENT}}remedy: {check.remedy}"
            echo("\n".join(fold(remedy, width, indent=_INDENT)))
    counts = checks_json(checks)["counts"]
    problems = ", ".join(
        _count(counts[v.value], v.value) for v in (Verdict.WARNING, Verdict.FAILURE)
    )
    echo(f"\n{_count(len(checks), 'check')}: {counts['ok']} ok, {problems}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _exit_code(checks: Sequence[Check]) -> int:
    if worst(checks) is not Verdict.FAILURE:
        return 0
    failed = {check.name for check in checks if check.verdict is Verdict.FAILURE}
    return ConfigError.exit_code if failed == {NAME} else PreflightError.exit_code
