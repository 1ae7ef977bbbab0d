"""Reads the settings again on SIGHUP: systemctl reload fuel-upgrade."""

import signal
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from types import FrameType

import structlog

from fuel_upgrade.config import Config
from fuel_upgrade.daemon.live import LiveSettings
from fuel_upgrade.daemon.log import set_level
from fuel_upgrade.daemon.systemd import Systemd
from fuel_upgrade.errors import UpgradeError

_log = structlog.get_logger("fuel_upgrade.reload")


class Reloader:
    """Waits for SIGHUP in a thread of its own, so that no signal disturbs what is under way.

    ``systemd`` hears of it, and lets ``systemctl reload`` wait; but not before the daemon is ready,
    nor when it stops, for it would take that for the end of the start. ``apply`` is given the
    settings that hold now.
    """

    def __init__(
        self, live: LiveSettings, systemd: Systemd, apply: Callable[[Config], None]
    ) -> None:
        self._live = live
        self._systemd = systemd
        self._apply = apply
        # the one queue that a signal's handler may put into while it is being put into
        self._asked: SimpleQueue[int] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="reload", daemon=True)

    def start(self) -> None:
        """Take SIGHUP from now on; only in the main thread."""
        self._thread.start()
        signal.signal(signal.SIGHUP, self._hear)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._asked.put(number)

    def _run(self) -> None:
        while self._asked.get():
            is_told = self._systemd.serving.is_set()
            if is_told:
                now_us = time.monotonic_ns() // 1000
                self._systemd.notify(f"RELOADING=1\nMONOTONIC_USEC={now_us}")
            status = " ".join(self.reload().split())  # a line: the next would be read as more
            if is_told:
                self._systemd.notify(f"READY=1\nSTATUS={status}")

    def reload(self) -> str:
        """Read the settings again; say in a line what became of it."""
        try:
            done = self._live.reload()
        except UpgradeError as error:
            _log.error("reload refused: the settings stay as they were", **error.to_json())
            return f"Reload refused, the settings stay as they were: {error.what}"
        except Exception:  # noqa: BLE001 - whatever it is, the daemon goes on with what it has
            _log.exception("reload broke: the settings stay as they were")
            return "Reload broke, the settings stay as they were: see the log"
        self._apply(self._live.config)
        _log.info("settings reloaded", changed=list(done.changed))
        if done.need_restart:
            _log.warning(
                "these settings need a restart: systemctl restart fuel-upgrade",
                settings=list(done.need_restart),
            )
        return f"Reloaded: {', '.join(done.changed) or 'nothing changed'}"


def apply_level(config: Config) -> None:
    """Log from the level on that holds now."""
    set_level(config.log_level)
