"""Reload of the settings: by request over the socket (systemctl reload), and by SIGHUP."""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from types import FrameType

import structlog
from fastapi import FastAPI

from fuel_upgrade.config import Config
from fuel_upgrade.daemon.error_responses import described
from fuel_upgrade.daemon.live_settings import LiveSettings, Reloaded
from fuel_upgrade.daemon.log import set_level
from fuel_upgrade.daemon.response_models.job_forms import ReloadForm
from fuel_upgrade.daemon.systemd import Systemd
from fuel_upgrade.errors import UpgradeError

STAYED = "the settings stay as they were"
_log = structlog.get_logger("fuel_upgrade.reload")


class Reloader:
    """Reads the settings again, one reload at a time, and notifies systemd.

    systemd is not notified before the daemon is ready or after it stops: it would take the
    notification for the end of the start. ``apply`` gets the current settings.
    """

    def __init__(
        self, live: LiveSettings, systemd: Systemd, apply: Callable[[Config], None]
    ) -> None:
        self._live = live
        self._systemd = systemd
        self._apply = apply
        self._lock = threading.Lock()
        # the only queue that is safe in a signal handler
        self._asked: SimpleQueue[int] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="reload", daemon=True)

    def start(self) -> None:
        """Handle SIGHUP from now on; call it in the main thread only.

        A separate thread does the reload, so that no signal disturbs a job.
        """
        self._thread.start()
        signal.signal(signal.SIGHUP, self._hear)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._asked.put(number)

    def _run(self) -> None:
        while self._asked.get():
            with suppress(Exception):  # logged; the daemon keeps its settings
                self.reload()

    def reload(self) -> Reloaded:
        """Read the settings again.

        Raises:
            UpgradeError: they are refused; the old settings are kept.
        """
        with self._lock:
            is_serving = self._systemd.serving.is_set()
            if is_serving:
                now_us = time.monotonic_ns() // 1000
                self._systemd.notify(f"RELOADING=1\nMONOTONIC_USEC={now_us}")
            status = f"Reload broke, {STAYED}: see the log"
            try:
                done = self._read()
                status = f"Reloaded: {', '.join(done.changed) or 'nothing changed'}"
            except UpgradeError as error:
                status = f"Reload refused, {STAYED}: {error.what}"
                raise
            finally:
                if is_serving:  # a second line would be another assignment
                    self._systemd.notify(f"READY=1\nSTATUS={' '.join(status.split())}")
        return done

    def _read(self) -> Reloaded:
        try:
            done = self._live.reload()
        except UpgradeError as error:
            _log.error(f"reload refused: {STAYED}", **error.to_json())
            raise error.amended(state=STAYED) from error
        except Exception:
            _log.exception(f"reload broke: {STAYED}")
            raise
        self._apply(self._live.config)
        _log.info("settings reloaded", changed=list(done.changed))
        if done.need_restart:
            _log.warning(
                "these settings need a restart: systemctl restart fuel-upgrade",
                settings=list(done.need_restart),
            )
        return done


def apply_level(config: Config) -> None:
    """Apply the log level of the settings."""
    set_level(config.log_level)


def add_reload_route(app: FastAPI, reload: Callable[[], Reloaded]) -> None:
    """Add the route; docs/api.rst describes it to users."""

    @app.post("/v1/reloads", **described(400, 413))
    def reload_settings() -> ReloadForm:
        """Read ``config.yaml`` again. A running job keeps the settings that it began with.

        The body is empty or ``{}``. 400 if the file is wrong: the settings stay as they were.
        """
        return ReloadForm.model_validate(reload())
