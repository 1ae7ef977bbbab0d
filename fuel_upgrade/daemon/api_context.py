"""Everything that the routes of the API work with."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fuel_upgrade.config import Config
from fuel_upgrade.daemon import idempotency
from fuel_upgrade.daemon.health import Observed
from fuel_upgrade.daemon.idempotency import Requests, Starter
from fuel_upgrade.daemon.jobs import Jobs
from fuel_upgrade.daemon.live_settings import Reloaded
from fuel_upgrade.daemon.metrics import Metrics
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.system.locks import Lock
from fuel_upgrade.upgrade.engine import Engine
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.upgrade.transaction.retention import discarded_folders

Connect = Callable[[], AbstractContextManager[ControlPlane]]
"""Opens a control plane for one thread."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """The settings, jobs and connections that the routes share. ``control_plane`` is in words."""

    read_config: Callable[[], Config]
    connect: Connect
    control_plane: str
    jobs: Jobs
    fail_points: FailPoints
    metrics: Metrics
    reload: Callable[[], Reloaded]
    starter: Starter = field(init=False)

    def __post_init__(self) -> None:
        requests = Requests(self.config.paths.state / idempotency.FILE)
        object.__setattr__(self, "starter", Starter(self.jobs, requests, self.is_in_journal))

    @property
    def config(self) -> Config:
        """The settings for new work."""
        return self.read_config()

    @property
    def observed(self) -> Observed:
        """The source of ``/health`` and ``/metrics``."""
        return Observed(self.read_config, self.control_plane, self.metrics)

    @contextmanager
    def engine(self) -> Iterator[tuple[Engine, ControlPlane]]:
        """Open an engine and its control plane, for one thread."""
        with self.connect() as control:
            engine = Engine(self.config, control, fail_points=self.fail_points, discard_later=True)
            yield engine, control

    def discarded(self) -> tuple[Path, ...]:
        """Return the trees that changes have discarded and the daemon has not deleted yet."""
        return discarded_folders(self.config.paths)

    def sweep(self) -> None:
        """Delete what is left of discarded trees."""
        with self.engine() as (engine, _):
            engine.sweep()

    def is_in_journal(self, install: str) -> bool:
        """Return whether the journal has an install of this id."""
        journal = Journal(self.config.paths.journal)
        return any(record.id == install for record in journal.installs())

    def other_holder(self) -> str | None:
        """Return which other process holds the install lock, in words."""
        holder = Lock(self.config.paths.lock).holder()
        return holder.described if holder and holder.pid != os.getpid() else None
