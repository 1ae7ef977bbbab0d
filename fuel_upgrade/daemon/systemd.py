"""Notifications to systemd, sd_notify(3)."""

import threading

import sdnotify


class Systemd:
    """Notifies systemd of start and stop; ``serving`` is set between the two."""

    def __init__(self) -> None:
        self._notifier = sdnotify.SystemdNotifier()
        self.serving = threading.Event()

    def notify(self, text: str) -> None:
        """Send a text unchanged."""
        self._notifier.notify(text)

    def begin(self, status: str) -> None:
        """Report that the daemon is ready."""
        self.notify(f"READY=1\nSTATUS={status}")
        self.serving.set()

    def end(self) -> None:
        """Report that the daemon stops."""
        self.serving.clear()
        self.notify("STOPPING=1")
