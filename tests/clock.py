"""A clock that only the test moves, however slow the machine is."""

import threading


class Clock:
    """Moves only when the test or a sleep adds time; thread-safe."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        with self._lock:
            self.now_s += seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
