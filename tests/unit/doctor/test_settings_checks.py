from pathlib import Path

import pytest

from fuel_upgrade.doctor.check import Verdict
from fuel_upgrade.doctor.settings_checks import read_settings


def written(tmp_path: Path, text: str, mode: int = 0o644) -> Path:
    place = tmp_path / "config.yaml"
    place.write_text(text)
    place.chmod(mode)
    return place


def test_every_fault_is_a_failure_of_its_own_and_has_its_default(tmp_path: Path) -> None:
    place = written(tmp_path, "masterip: 10.0.0.1\nlog_level: loud\nkeep_installs: 3\n")
    settings = read_settings(place, is_named=True)
    assert [(check.verdict, check.detail) for check in settings.checks] == [
        (Verdict.FAILURE, f"{place}: masterip: unknown setting: did you mean master_ip?"),
        (
            Verdict.FAILURE,
            f"{place}: log_level: 'loud' is not debug, info, warning or error",
        ),
    ]
    assert settings.config.keep_installs == 3


def test_a_file_that_is_no_yaml_is_a_failure(tmp_path: Path) -> None:
    (check,) = read_settings(written(tmp_path, "a: ["), is_named=True).checks
    assert check.verdict is Verdict.FAILURE


@pytest.mark.parametrize(("is_named", "verdict"), [(True, Verdict.FAILURE), (False, Verdict.OK)])
def test_a_file_that_is_not_there_fails_only_where_it_was_named(
    tmp_path: Path, *, is_named: bool, verdict: Verdict
) -> None:
    (check,) = read_settings(tmp_path / "none.yaml", is_named=is_named).checks
    assert check.verdict is verdict


@pytest.mark.parametrize(
    ("text", "mode", "verdict"),
    [
        ("nailgun: {password: hunter2}", 0o644, Verdict.WARNING),
        ("nailgun: {password: hunter2}", 0o600, None),
        ("nailgun: {proxy: 'http://a:hunter2@proxy:1'}", 0o644, Verdict.WARNING),
        ("log_level: info", 0o644, None),
        ("log_level: info", 0o664, Verdict.FAILURE),
        ("log_level: info", 0o602, Verdict.FAILURE),
    ],
)
def test_owner_and_mode_of_the_file_are_checked(
    tmp_path: Path, text: str, mode: int, verdict: Verdict | None
) -> None:
    checks = read_settings(written(tmp_path, text, mode), is_named=True).checks
    assert "hunter2" not in str(checks)
    assert [c.verdict for c in checks if c.verdict is not Verdict.OK] == [
        v for v in (verdict,) if v is not None
    ]
