"""Waits until the daemon has deleted, in the background, the trees that an undo removed."""

import time

import psutil

from fuel_upgrade.config import Config
from fuel_upgrade.system.locks import Lock
from fuel_upgrade.upgrade.transaction.retention import discarded_folders


def await_sweeper(config: Config) -> None:
    """Wait until the daemon, if it runs, has deleted discarded trees and the folders above them."""
    while _runs(config) and (
        discarded_folders(config.paths) or Lock(config.paths.lock).holder() is not None
    ):
        time.sleep(0.01)


def _runs(config: Config) -> bool:
    try:
        return psutil.pid_exists(int(config.paths.pid_file.read_text()))
    except (FileNotFoundError, ValueError):
        return False
