"""Work in a copy of this process: Python's lock lets one thread of a process compute."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn, Protocol, TypeVar

from fuel_upgrade.errors import OutsideError

_Prepared = TypeVar("_Prepared")
_Question = TypeVar("_Question")
_Answer_co = TypeVar("_Answer_co", covariant=True)


class Copy(Protocol[_Answer_co]):
    """A copy of this process, which answers one question."""

    def begin(self) -> None:
        """Let it prepare now, unless it does already."""

    def __call__(self, question: Any, /) -> _Answer_co:
        """Ask it.

        Raises:
            OutsideError: it was killed. It raises the errors of the copy as well.
        """


@contextmanager
def beside(
    prepare: Callable[[], _Prepared],
    answer: Callable[[_Prepared, _Question], _Answer_co],
    *,
    waits: bool = False,
    is_short: bool = False,
) -> Iterator[Copy[_Answer_co]]:
    """Yield a copy of this process.

    It runs ``prepare`` at once, or when it is to begin if it ``waits``, and ``answer`` when it is
    asked. Both run here when asked if the work ``is_short``, as a copy takes 10 ms, and in a
    process with several threads, which must not be copied.
    """
    if is_short or threading.active_count() > 1:
        yield _Here(prepare, answer)
        return
    here, there = Pipe()
    child = os.fork()
    if child == 0:
        here.close()
        _run(prepare, answer, there)
    there.close()
    with here:
        try:
            copy = _There(here)
            if not waits:
                copy.begin()
            yield copy
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


class _Here:
    def __init__(self, prepare: Callable[[], Any], answer: Callable[[Any, Any], Any]) -> None:
        self._prepare = prepare
        self._answer = answer

    def begin(self) -> None:
        pass

    def __call__(self, question: object, /) -> Any:
        return self._answer(self._prepare(), question)


class _There:
    def __init__(self, child: Connection) -> None:
        self._child = child
        self._has_begun = False

    def begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._send(None)

    def __call__(self, question: object, /) -> Any:
        self.begin()
        self._send(question)
        try:
            answer, error = self._child.recv()
        except (EOFError, ConnectionError) as fault:
            raise OutsideError(
                "a copy of this process ended without an answer",
                remedy="look for it in the log of the kernel, which ends processes if memory is"
                " short",
            ) from fault
        if error is not None:
            raise error
        return answer

    def _send(self, message: object) -> None:
        with suppress(ConnectionError):  # after an error of prepare
            self._child.send(message)


def _run(
    prepare: Callable[[], _Prepared],
    answer: Callable[[_Prepared, _Question], _Answer_co],
    parent: Connection,
) -> NoReturn:
    outcome: tuple[_Answer_co | None, Exception | None]
    try:
        try:
            parent.recv()
            prepared = prepare()
            outcome = (answer(prepared, parent.recv()), None)
        except Exception as error:  # noqa: BLE001 - raised by the question
            outcome = (None, error)
        parent.send(outcome)
    finally:
        os._exit(0)
