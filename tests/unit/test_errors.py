"""The tree of errors: exit codes by family, frozen values, the form in the daemon's API."""

from collections.abc import Iterator
from contextlib import contextmanager

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
def test_each_family_has_its_exit_code(error: UpgradeError, code: int) -> None:
    assert error.exit_code == code


@every_error
def test_an_error_crosses_the_api_with_its_words_and_code(error: UpgradeError, code: int) -> None:
    again = from_json(error.to_json())
    assert again.exit_code == code
    assert (again.what, again.remedy, again.state) == (error.what, error.remedy, error.state)
    assert str(again) == str(error)
    assert isinstance(error, type(again))
    assert again.to_json() == error.to_json()


def test_failed_checks_cross_the_api() -> None:
    again = from_json(PreflightError("w", remedy="r", failures=("a", "b")).to_json())
    assert isinstance(again, PreflightError)
    assert again.failures == ("a", "b")
    assert again.state == "nothing was changed"


@every_error
def test_a_code_of_its_own_takes_the_place_of_the_familys(error: UpgradeError, code: int) -> None:
    data = {**error.to_json(), "error": "a-new-code"}
    assert from_json(data).to_json() == data
    assert from_json(data).exit_code == code


def test_the_form_has_a_number_and_a_list_of_failures() -> None:
    error = NotFoundError("w", remedy="r", code="no-such-job")
    assert error.to_json() == {
        "format": 1,
        "error": "no-such-job",
        "what": "w",
        "state": "",
        "remedy": "r",
        "exit_code": 2,
        "failures": [],
    }
    assert next(iter(error.to_json())) == "format"


@pytest.mark.parametrize(
    ("name", "exit_code", "family", "code"),
    [
        ("NotFoundError", 2, NotFoundError, "not-found"),
        ("ConfigError", 2, ConfigError, "config"),
        ("PreflightError", 4, PreflightError, "not-ready"),
        ("ReleaseInUseError", 7, OutsideError, "outside"),
        ("UpgradeError", 1, UpgradeError, "unexpected"),
    ],
)
def test_an_older_daemon_names_a_class_which_is_no_code(
    name: str, exit_code: int, family: type[UpgradeError], code: str
) -> None:
    error = from_json({"error": name, "what": "w", "remedy": "r", "exit_code": exit_code})
    assert (type(error), error.code, error.exit_code) == (family, code, exit_code)


def test_a_newer_daemon_keeps_its_code_and_its_exit_code() -> None:
    data = UpgradeError("w", remedy="r", code="quota").to_json() | {"exit_code": 9, "new": True}
    again = from_json(data)
    assert (again.code, again.exit_code, again.what, again.remedy) == ("quota", 9, "w", "r")


@pytest.mark.parametrize("exit_code", [None, "4", 0, -1, 256, [4]])
def test_an_exit_code_that_is_none_becomes_1(exit_code: object) -> None:
    assert from_json({"exit_code": exit_code, "failures": None}).exit_code == 1


def test_equal_failures_are_listed_once() -> None:
    error = PreflightError("w", remedy="r", failures=("a", "b", "a"))
    assert error.failures == ("a", "b")


@every_error
def test_an_amended_error_differs_only_in_the_given_fields(error: UpgradeError, code: int) -> None:
    before = error.to_json()
    again = error.amended(state="half done", remedy="finish it")
    assert type(again) is type(error)
    assert again.to_json() == {**before, "state": "half done", "remedy": "finish it"}
    assert (str(again), again.exit_code) == (str(error), code)
    assert error.to_json() == before
    assert error.amended().to_json() == before


ATTRIBUTES = ("state", "remedy", "what", "code", "failures", "exit_code", "args", "a_new_one")


@every_error
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_no_attribute_of_an_error_can_be_set_or_deleted(
    error: UpgradeError, code: int, name: str
) -> None:
    before = (error.to_json(), dict(vars(error)))
    with pytest.raises(AttributeError, match=name):
        setattr(error, name, "changed")
    with pytest.raises(AttributeError, match=name):
        delattr(error, name)
    assert (error.to_json(), vars(error)) == before


def test_python_can_still_chain_and_trace_an_error() -> None:
    @contextmanager
    def scope() -> Iterator[None]:  # contextlib sets __traceback__ of every error that passes
        yield

    cause = ValueError("cause")
    with pytest.raises(ConfigError) as caught, scope():
        raise ConfigError("w", remedy="r") from cause
    assert caught.value.__cause__ is cause


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
def test_a_control_plane_error_has_a_remedy_for_its_status(
    status: int | None, what: str, remedy: str
) -> None:
    error = ControlPlaneError("GET", "/releases/", status, "why")
    assert str(error) == f"GET /releases/ {what}: why"
    assert remedy in error.remedy
