"""The metrics of the daemon for Prometheus."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from fuel_upgrade import __version__
from fuel_upgrade.config import Config
from fuel_upgrade.errors import RollbackError
from fuel_upgrade.nailgun.transport import Call
from fuel_upgrade.system.disk_space import file_system_at, written_folders
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.upgrade.transaction.retention import kept_bytes, with_backups

_REFUSED = (401, 403)
_COUNTED_LEVELS = ("warning", "error")
_FAILED = 500  # and above, HTTP


class Work(Protocol):
    """The state of the jobs that the metrics need."""

    @property
    def running(self) -> str | None:
        """The id of the running job, or None."""

    @property
    def progress_ratio(self) -> float | None:
        """The progress of that job, from 0 to 1, or None."""


class Metrics:
    """The metrics of one daemon, in a registry of their own."""

    def __init__(self, read_config: Callable[[], Config], work: Work) -> None:
        self._registry = CollectorRegistry()
        self._lines = Counter(
            "fuel_upgrade_log_lines",
            "Warnings and errors in the log.",
            ["level"],
            registry=self._registry,
        )
        for level in _COUNTED_LEVELS:
            self._lines.labels(level)  # 0 from the beginning: a first warning is an increase
        self._requests = self._counter("nailgun_requests", "Requests to Nailgun and Keystone.")
        self._failures = self._counter(
            "nailgun_failures", "Requests without an answer, refused (401, 403), or 500 and above."
        )
        self._seconds = self._counter("nailgun_request_seconds", "Seconds spent in requests.")
        self._registry.register(_Master(read_config, work))

    def observe(self, call: Call) -> None:
        """Count a request to Nailgun or Keystone."""
        self._requests.labels(call.method).inc()
        self._seconds.labels(call.method).inc(max(call.duration_s, 0.0))
        if call.status is None or call.status in _REFUSED or call.status >= _FAILED:
            self._failures.labels(call.method).inc()

    def count_line(self, level: str) -> None:
        """Count a line of the log, if it is a warning or above."""
        if level in _COUNTED_LEVELS:
            self._lines.labels(level).inc()

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format, 0.0.4."""
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"fuel_upgrade_{name}", text, ["method"], registry=self._registry)


@dataclass(slots=True, eq=False)
class _Master(Collector):
    """Reads the journal and the disks at each scrape."""

    read_config: Callable[[], Config]
    work: Work
    # walking through backups is slow, and they change only with installs
    _backups: dict[tuple[str, ...], int] = field(default_factory=dict)

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "fuel_upgrade_build", "The version that runs.", value={"version": __version__}
        )
        yield from self._job()
        yield from self._journal()
        yield self._rooms()

    def _job(self) -> Iterator[Metric]:
        is_running, ratio = self.work.running is not None, self.work.progress_ratio
        yield _gauge("job_running", "Whether an install, undo or other job runs.", is_running)
        if ratio is not None:
            yield _gauge("job_progress_ratio", "How far the job is, from 0 to 1.", ratio)

    def _journal(self) -> Iterator[Metric]:
        journal = Journal(self.read_config().paths.journal)
        text = "Whether the journal of installs can be read."
        try:
            records, backups = journal.installs(), self._backups_bytes(journal)
        except (RollbackError, OSError, ValueError):
            yield _gauge("journal_readable", text, 0)
            return
        yield _gauge("journal_readable", text, 1)
        counts = GaugeMetricFamily(
            "fuel_upgrade_installs", "Installs in the journal.", labels=["state"]
        )
        for state in InstallState:
            counts.add_metric([state.value], sum(r.state is state for r in records))
        yield counts
        yield _gauge("backups_bytes", "What is kept to undo installs.", backups)
        if records:
            yield from _last(records[-1])

    def _backups_bytes(self, journal: Journal) -> int:
        kept = with_backups(journal, self.read_config().paths)
        key = tuple(record.id for record in kept)
        if key not in self._backups:
            self._backups = {key: sum(kept_bytes(journal, record) for record in kept)}
        return self._backups[key]

    def _rooms(self) -> Metric:
        free = GaugeMetricFamily(
            "fuel_upgrade_free_bytes",
            "Free bytes of the file system of a folder in the settings.",
            labels=["folder", "mount_point"],
        )
        for name, folder in written_folders(self.read_config().paths).items():
            try:
                space = file_system_at(folder)
            except OSError:
                continue  # the file system does not answer: report no value
            free.add_metric([name, str(space.mount_point)], space.free_bytes)
        return free


def _last(record: ChangeRecord) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "fuel_upgrade_last_install_state", "1 for the state of the last install.", labels=["state"]
    )
    for known in InstallState:
        state.add_metric([known.value], record.state is known)
    yield state
    at = record.ended_s or record.started_s
    text = "When the last install ended, or began if it has not ended."
    yield _gauge("last_install_timestamp_seconds", text, at)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"fuel_upgrade_{name}", text, value=value)
