"""Work in a copy of this process: Python's lock lets one thread of a process compute."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn, TypeVar

from fuel_upgrade.errors import OutsideError

_Prepared = TypeVar("_Prepared")
_Question = TypeVar("_Question")
_Answer = TypeVar("_Answer")


@contextmanager
def beside(
    prepare: Callable[[], _Prepared], answer: Callable[[_Prepared, _Question], _Answer]
) -> Iterator[Callable[[_Question], _Answer]]:
    """Yield a function that asks a copy of this process one question.

    The copy runs ``prepare`` at once, and ``answer`` when it is asked. The question raises the
    errors of both, and OutsideError if the copy is killed. A process with several threads must not
    be copied: there both run when asked.
    """
    if threading.active_count() > 1:
        yield lambda question: answer(prepare(), question)
        return
    here, there = Pipe()
    child = os.fork()
    if child == 0:
        here.close()
        _run(prepare, answer, there)
    there.close()
    with here:
        try:
            yield lambda question: _ask(question, here)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _run(
    prepare: Callable[[], _Prepared],
    answer: Callable[[_Prepared, _Question], _Answer],
    parent: Connection,
) -> NoReturn:
    outcome: tuple[_Answer | None, Exception | None]
    try:
        try:
            prepared = prepare()
            outcome = (answer(prepared, parent.recv()), None)
        except Exception as error:  # noqa: BLE001 - raised by the question
            outcome = (None, error)
        parent.send(outcome)
    finally:
        os._exit(0)


def _ask(question: object, child: Connection) -> Any:
    with suppress(ConnectionError):  # after an error of prepare
        child.send(question)
    try:
        answer, error = child.recv()
    except (EOFError, ConnectionError) as error:
        raise OutsideError(
            "a copy of this process ended without an answer",
            remedy="look for it in the log of the kernel, which ends processes if memory is short",
        ) from error
    if error is not None:
        raise error
    return answer
