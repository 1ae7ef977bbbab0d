"""Work beside this process: its answers, its errors and its end."""

import os
import pickle
import signal
import threading
from collections.abc import Callable
from functools import partial
from time import sleep

import pytest

from fuel_upgrade.errors import BundleError, CommandError, OutsideError
from fuel_upgrade.system.beside import beside


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be copied: the test runner may have threads, which the copy does not use."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def refuse(*_: object) -> int:
    error = BundleError("x: damaged", remedy="copy x again", failures=["a", "b"], code="odd")
    raise error.amended(side="the base repo x")


def kill(process: int, _: None) -> None:
    os.kill(process, signal.SIGKILL)


def ended(child: int) -> bool:
    try:
        os.waitpid(child, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


def test_the_copy_answers_from_the_prepared_value() -> None:
    with beside(os.getpid, lambda prepared, question: (prepared, os.getpid(), question)) as ask:
        prepared, answering, question = ask("x" * 1_000_000)
    assert prepared == answering != os.getpid()
    assert question == "x" * 1_000_000
    assert ended(prepared)


@pytest.mark.parametrize(
    ("prepare", "answer"), [(refuse, lambda *_: 1), (lambda: 1, refuse)], ids=["prepare", "answer"]
)
def test_the_question_raises_the_error_of_the_copy(
    prepare: Callable[[], int], answer: Callable[[int, str], int]
) -> None:
    with pytest.raises(BundleError, match="x: damaged") as raised, beside(prepare, answer) as ask:
        ask("x" * 1_000_000)
    error = raised.value
    assert (error.remedy, error.code, error.failures) == ("copy x again", "odd", ("a", "b"))
    assert error.side == "the base repo x"


def test_a_copy_that_is_killed_is_an_error() -> None:
    with pytest.raises(OutsideError), beside(os.getpid, kill) as ask:
        ask(None)


def test_without_a_question_the_copy_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[int] = []
    fork = os.fork

    def noted() -> int:
        children.append(fork())
        return children[-1]

    monkeypatch.setattr(os, "fork", noted)
    with pytest.raises(KeyboardInterrupt), beside(partial(sleep, 600), lambda *_: None):
        raise KeyboardInterrupt
    assert [ended(child) for child in children] == [True]


def test_a_process_with_threads_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    with beside(os.getpid, lambda prepared, question: (prepared, question)) as ask:
        assert ask(1) == (os.getpid(), 1)


ERRORS = (
    BundleError("what", remedy="do", state="nothing was changed").amended(side="base"),
    CommandError(("ls", "-l"), 2, "no such file"),
)


@pytest.mark.parametrize("error", ERRORS, ids=["of this program", "of another program"])
def test_an_error_is_the_same_in_another_process(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
