"""A thread that reads in a loop while a test changes what it reads."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager


class BesideReader(ABC):
    """Calls ``read`` in a loop within ``reading``."""

    def __init__(self) -> None:
        self._end = threading.Event()

    @abstractmethod
    def read(self) -> None:
        """Read once."""

    @contextmanager
    def reading(self, *, pause_s: float = 0) -> Iterator[None]:
        thread = threading.Thread(target=self._run, args=(pause_s,))
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()

    def _run(self, pause_s: float) -> None:
        while not self._end.wait(pause_s):
            self.read()
