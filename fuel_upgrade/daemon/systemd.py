"""What systemd hears of the daemon, sd_notify(3)."""

import threading

import sdnotify


class Systemd:
    """Tells systemd of start and stop; ``serving`` is set between the two."""

    def __init__(self) -> None:
        self._notifier = sdnotify.SystemdNotifier()
        self.serving = threading.Event()

    def notify(self, text: str) -> None:
        """Send a text as it is."""
        self._notifier.notify(text)

    def begin(self, status: str) -> None:
        """Tell that the daemon is ready."""
        self.notify(f"READY=1\nSTATUS={status}")
        self.serving.set()

    def end(self) -> None:
        """Tell that the daemon stops."""
        self.serving.clear()
        self.notify("STOPPING=1")
