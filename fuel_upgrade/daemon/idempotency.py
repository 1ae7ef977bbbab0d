"""Idempotency keys: a repeated request returns the job of the first, and starts no second one."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Self

import structlog
from fastapi import Header
from pydantic import BaseModel

from fuel_upgrade.daemon.jobs import JobKind, Jobs, Work
from fuel_upgrade.daemon.response_models.job_forms import JobForm
from fuel_upgrade.errors import ConfigError, PreflightError
from fuel_upgrade.system.files import write_file

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="A repeated request with the same key and body returns the same job.",
    ),
]
FILE = "idempotency.json"
"""The name of the file in the state folder that outlives the daemon."""
_JOURNALLED: frozenset[JobKind] = frozenset({"install", "gc", "squash"})
"""The jobs that changed nothing if the journal does not name them."""
_KEPT = 256
_LONGEST = 255
_log = structlog.get_logger("fuel_upgrade.idempotency")


@dataclass(frozen=True, slots=True)
class Request:
    """A request with a key: the digest of its body, and its job."""

    key: str
    sha256: str
    job: str

    @classmethod
    def of(cls, key: str, kind: JobKind, body: BaseModel | None, job: str) -> Self:
        """Describe a request.

        Raises:
            ConfigError: the key is empty, too long, or not printable.
        """
        if not (0 < len(key) <= _LONGEST and key.isprintable()):
            raise ConfigError(
                f"malformed request: Idempotency-Key: not 1 to {_LONGEST} printable characters",
                remedy="use a UUID, a new one for each request",
                code="bad-request",
            )
        # Not pydantic's own JSON, which refuses half of a surrogate pair: paths may have one.
        content = [kind, body.model_dump() if body else None]
        text = json.dumps(content, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(key, digest, job)


class Requests:
    """The last requests that had a key; durable, so that a restart does not repeat an undo."""

    def __init__(self, path: Path, *, kept: int = _KEPT) -> None:
        self._path = path
        self._kept = kept
        self._lock = threading.Lock()

    def once(
        self,
        request: Request,
        start: Callable[[], object],
        *,
        was_lost: Callable[[str], bool] = lambda job: False,
    ) -> str:
        """Start the job of a request, unless its key started one before; return the job.

        The key is recorded before the job starts, and removed again if the job is refused. A job
        that ``was_lost`` (a crash came before its first change) is replaced by a new one.

        Raises:
            PreflightError: the key was used for another request; also the errors of ``start``.
        """
        with self._lock:
            recorded = self._read()
            same = next((r for r in recorded if r.key == request.key), None)
            if same is not None:
                _refuse_other(request, same)
                if not was_lost(same.job):
                    return same.job
            others = [r for r in recorded if r is not same]
            self._write([*others, request][-self._kept :])
            try:
                start()
            except BaseException:
                self._write(recorded)
                raise
            return request.job

    def _read(self) -> list[Request]:
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            return [Request(**fields) for fields in document["requests"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("idempotency keys are lost", file=str(self._path), reason=str(error))
            return []

    def _write(self, requests: list[Request]) -> None:
        data = {"format": 1, "requests": [asdict(request) for request in requests]}
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(self._path, json.dumps(data).encode(), mode=0o600)
        except OSError as error:
            raise PreflightError(
                f"{self._path}: the idempotency key cannot be recorded: {error}",
                remedy="free space on its disk, or send the request without a key",
                code="key-not-recorded",
            ) from error


def _refuse_other(request: Request, same: Request) -> None:
    if same.sha256 != request.sha256:
        raise PreflightError(
            f"the idempotency key {request.key!r} was used for another request: job {same.job}",
            remedy="use a new key for each request",
            code="idempotency-conflict",
        )


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts jobs, each once for a key."""

    jobs: Jobs
    requests: Requests
    is_in_journal: Callable[[str], bool]

    def start(  # noqa: PLR0913 - the parts of a job
        self,
        kind: JobKind,
        job: str,
        work: Work,
        *,
        key: str | None,
        body: BaseModel | None = None,
        wait_s: float = 0,
    ) -> JobForm:
        """Start a job; return its id, or that of the earlier job with this key.

        Raises:
            ConfigError: the key is malformed.
            PreflightError: another job is running, or the key was used for another request.
        """

        def start() -> object:
            return self.jobs.start(job, work, wait_s=wait_s, kind=kind)

        if key is None:
            start()
            return JobForm(job=job)

        def was_lost(earlier: str) -> bool:
            is_known = self.jobs.knows(earlier) or self.is_in_journal(earlier)
            return kind in _JOURNALLED and not is_known

        request = Request.of(key, kind, body, job)
        return JobForm(job=self.requests.once(request, start, was_lost=was_lost))
