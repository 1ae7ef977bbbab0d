"""Output of commands for programs, with a real daemon: one form, as in docs/json.rst."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from fuel_upgrade import __version__
from tests.host import Host
from tests.tools import needs
from tests.unit.cli.test_json_page import documented

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)")


def times(data: Any) -> list[tuple[str, Any]]:
    """Return every value under a key of a point in time, however deep."""
    if isinstance(data, dict):
        own = [(key, value) for key, value in data.items() if key.endswith("_at") or key == "at"]
        return own + [pair for value in data.values() for pair in times(value)]
    return [pair for item in data for pair in times(item)] if isinstance(data, list) else []


def objects(host: Host, *argv: str | Path, code: int = 0) -> list[dict[str, Any]]:
    """Run a command with --json before it and behind it; return both outputs."""
    before, behind = host.command("--json", *argv), host.command(*argv, "--json")
    assert (before.returncode, behind.returncode) == (code, code), before.stderr + behind.stderr
    return [json.loads(before.stdout), json.loads(behind.stdout)]


def check(printed: dict[str, Any], command: str) -> None:
    words = documented()[command]
    assert next(iter(printed)) == "format"
    assert printed["format"] == 1
    assert set(printed) - {"format"} <= words
    for key, value in times(printed):
        assert value is None or ISO.fullmatch(value), key


def test_every_command_prints_the_keys_of_the_page(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        record = host.json("install", tarballs["5.1"])
        for words in ("history", "releases", "releases list", "releases show 1"):
            for printed in objects(host, *words.split()):
                check(printed, " ".join(words.split()[:2]))
        for printed in objects(host, "releases", "diff", "1", "1"):
            check(printed, "releases diff")
        for printed in objects(host, "show", record["id"]):
            assert printed["started_at"]
            assert times(printed)
        for printed in objects(host, "bundle", "inspect", tarballs["6.0"]):
            check(printed, "bundle inspect")
        for printed in objects(host, "gc"):
            check(printed, "gc")
        for printed in objects(host, "bundle", "report", tarballs["6.0"]):
            check(printed, "bundle report")
        result = host.json("rollback")
        check({"format": 1, **result}, "rollback")


@pytest.mark.parametrize(
    ("argv", "code", "error"),
    [
        (("show", "nothing"), 2, "not-found"),
        (("cancel",), 2, "not-found"),
        (("plan", "/nowhere.tar"), 2, "config"),
        (("releases", "show", "9.9"), 2, "not-found"),
        (("show",), 2, "usage"),
        (("shwo",), 2, "usage"),
    ],
)
def test_every_error_is_an_object_with_a_code(
    host: Host, argv: tuple[str, ...], code: int, error: str
) -> None:
    with host.daemon():
        for printed in objects(host, *argv, code=code):
            assert list(printed) == [
                "format", "error", "what", "state", "remedy", "exit_code", "failures",
            ]  # fmt: skip
            assert (printed["error"], printed["exit_code"], printed["failures"]) == (
                error,
                code,
                [],
            )


def test_a_daemon_that_does_not_run_is_an_object_too(host: Host) -> None:
    for printed in objects(host, "status", code=7):
        assert printed["error"] == "daemon-down"


def test_every_answer_has_the_version_of_the_daemon(host: Host) -> None:
    with host.daemon():
        transport = httpx.HTTPTransport(uds=str(host.root / "run/fuel-upgrade/api.sock"))
        with httpx.Client(transport=transport, base_url="http://daemon") as client:
            for path in ("/v1/status", "/v1/none"):
                assert client.get(path).headers["Fuel-Upgrade-Version"] == __version__
