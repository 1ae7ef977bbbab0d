"""The tree of errors: exit codes by who must act, kept across the daemon's API."""

import pytest

from fuel_upgrade.errors import (
    BundleError,
    CommandError,
    ConfigError,
    ControlPlaneError,
    NotFoundError,
    OutsideError,
    PreflightError,
    RollbackError,
    StepError,
    UpgradeError,
    from_json,
)

ERRORS: list[tuple[UpgradeError, int]] = [
    (UpgradeError("w", remedy="r", state="s"), 1),
    (ConfigError("w", remedy="r", state="s"), 2),
    (NotFoundError("w", remedy="r", state="s"), 2),
    (BundleError("w", remedy="r", state="s"), 3),
    (PreflightError("w", remedy="r", failures=("a", "b")), 4),
    (StepError("w", remedy="r", state="s"), 5),
    (RollbackError("w", remedy="r", state="s"), 6),
    (OutsideError("w", remedy="r", state="s"), 7),
    (CommandError(("tar", "-x"), 2, "no such file\n"), 7),
    (ControlPlaneError("GET", "/releases/", 500, "broken"), 7),
]
every_error = pytest.mark.parametrize(
    ("error", "code"), ERRORS, ids=lambda e: type(e).__name__ if isinstance(e, Exception) else ""
)


@every_error
def test_an_exit_code_says_who_must_act(error: UpgradeError, code: int) -> None:
    assert error.exit_code == code


@every_error
def test_an_error_crosses_the_api_with_its_words_and_code(error: UpgradeError, code: int) -> None:
    again = from_json(error.to_json())
    assert again.exit_code == code
    assert (again.what, again.remedy, again.state) == (error.what, error.remedy, error.state)
    assert str(again) == str(error)
    assert isinstance(error, type(again))
    assert {**again.to_json(), "error": ""} == {**error.to_json(), "error": ""}


def test_failed_checks_cross_the_api() -> None:
    again = from_json(PreflightError("w", remedy="r", failures=("a", "b")).to_json())
    assert isinstance(again, PreflightError)
    assert again.failures == ("a", "b")
    assert again.state == "nothing was changed"


def test_an_unknown_family_keeps_what_is_known() -> None:
    assert type(from_json({})) is UpgradeError
    assert type(from_json({"error": "NewError", "exit_code": 7})) is OutsideError
    assert type(from_json({"error": "NewError", "exit_code": 3})) is UpgradeError


def test_a_remedy_is_required() -> None:
    with pytest.raises(TypeError):
        UpgradeError("what")  # type: ignore[call-arg]


def test_a_program_is_named_with_its_end_and_words() -> None:
    error = CommandError(("tar", "-x"), 2, "  why\n")
    assert str(error) == "tar ended with 2: why"
    assert error.remedy == "run it by hand to see more: tar -x"
    assert str(CommandError(("tar",), None, "")) == "tar could not be run: it printed no error"


@pytest.mark.parametrize(
    ("status", "what", "remedy"),
    [
        (None, "gave no answer", "run"),
        (500, "answered 500", "run"),
        (401, "answered 401", "password"),
        (403, "answered 403", "password"),
        (400, "answered 400", "correct"),
    ],
)
def test_a_control_plane_error_says_what_to_look_at(
    status: int | None, what: str, remedy: str
) -> None:
    error = ControlPlaneError("GET", "/releases/", status, "why")
    assert str(error) == f"GET /releases/ {what}: why"
    assert remedy in error.remedy
