"""The forms of the API's answers, for its description; docs/api.rst says what they mean.

An answer has all these keys, and may have more: new ones are added, see docs/api.rst.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, JsonValue, RootModel

from fuel_upgrade.daemon.jobs import JobKind
from fuel_upgrade.upgrade.records import InstallState, StepState


class ErrorForm(BaseModel):
    """Why a request was refused, or a job failed; ``error`` is a stable code."""

    format: Literal[1]
    error: str
    what: str
    state: str
    remedy: str
    exit_code: int
    failures: list[str]


class JobForm(BaseModel):
    """The job that was started."""

    job: str


class ReloadForm(BaseModel):
    """The settings that have another value now, and those that will after a restart."""

    changed: list[str]
    need_restart: list[str]


class RepoForm(BaseModel):
    """A repo of a release."""

    name: str
    location: str
    priority: int | None


class ReleaseForm(BaseModel):
    """A registered release."""

    id: int
    name: str
    version: str
    operating_system: str
    state: str
    repos: list[RepoForm]
    other_repos: list[RepoForm]


class NamedForm(BaseModel):
    """A release by what tells it apart."""

    id: int
    name: str
    version: str
    operating_system: str


class ClusterForm(BaseModel):
    """A cluster that uses a release."""

    id: int
    name: str


class MadeByForm(BaseModel):
    """An install that registered a release."""

    id: str
    state: InstallState
    started_s: float
    started_at: str


class WholeReleaseForm(ReleaseForm):
    """All that is known of a release; ``body`` is what Nailgun shows of it."""

    puppet_manifests_source: str | None
    puppet_modules_source: str | None
    clusters: list[ClusterForm]
    base_of: list[NamedForm]
    installs: list[MadeByForm]
    undoable: str | None
    body: dict[str, JsonValue]


class DeletedReleaseForm(BaseModel):
    """A release that was deleted, and the paths of its files, which are left."""

    deleted: NamedForm
    left: list[str]


class ReleasesForm(RootModel[list[ReleaseForm]]):
    """All releases, newest first."""


class InstallForm(BaseModel):
    """An install, or another change."""

    id: str
    kind: str
    tarball: str
    fuel_from: str
    fuel_to: str
    state: InstallState
    started_s: float
    started_at: str
    ended_s: float | None
    ended_at: str | None
    error: ErrorForm | None
    attempts: int
    released: bool
    note: str | None


class InstallsForm(RootModel[list[InstallForm]]):
    """All installs, oldest first."""


class RecordedStepForm(BaseModel):
    """A step of an install, as the journal has it."""

    number: int
    kind: str
    title: str
    state: StepState
    error: str | None


class HookRunForm(BaseModel):
    """A run of a hook."""

    point: str
    name: str
    started_s: float
    started_at: str
    ended_s: float | None
    ended_at: str | None
    exit_code: int | None
    output: str


class WholeInstallForm(InstallForm):
    """An install with its steps."""

    steps: list[RecordedStepForm]
    hooks: list[HookRunForm]
    backups_bytes: int


class CurrentStepForm(BaseModel):
    """The step that is being done or undone."""

    number: int
    of: int | None
    title: str


class CurrentTarballForm(BaseModel):
    """One of several tarballs."""

    number: int
    of: int
    tarball: str


class JobStatusForm(BaseModel):
    """What the job under way does."""

    id: str
    kind: JobKind
    started_at: datetime
    doing: str
    install: str | None
    step: CurrentStepForm | None
    tarball: CurrentTarballForm | None
    bytes_done: int | None
    bytes_total: int | None
    percent: float
    bytes_per_s: int | None
    remaining_s: int | None
    going_back: bool
    stopping: bool
    waiting: list[str]


class StatusForm(BaseModel):
    """The daemon and its master."""

    version: str
    fuel_version: str
    control_plane: str
    running: str | None
    job: JobStatusForm | None
    locked_by: str | None
    last_install: InstallForm | None
    undoable: str | None
    backups_bytes: int
    unsettled: list[InstallForm]


class StepForm(BaseModel):
    """A step of a plan."""

    number: int
    kind: str
    title: str
    undo: str


class DiskForm(BaseModel):
    """What a plan needs of a file system."""

    mount_point: str
    free_bytes: int
    needed_bytes: int
    reserve_bytes: int
    backup_bytes: int
    released_bytes: int
    peak_free_bytes: int
    after_free_bytes: int


class MemoryForm(BaseModel):
    """What a plan needs of the memory."""

    bound_bytes: int | None
    daemon_bytes: int
    entries: int
    indexed_packages: int
    viewed_packages: int
    window_bytes: int | None


class PlanForm(BaseModel):
    """A plan of one tarball."""

    plan_format: int
    tarball: str
    seal_sha256: str
    fuel_from: str
    fuel_to: str
    releases: list[dict[str, JsonValue]]
    repos: list[dict[str, JsonValue]]
    packages: list[dict[str, JsonValue]]
    steps: list[StepForm]
    read_bytes: int
    write_bytes: int
    disks: list[DiskForm]
    memory: MemoryForm
    calls: list[dict[str, JsonValue]]
    warnings: list[str]
    basis: dict[str, JsonValue]


class NothingToDoForm(BaseModel):
    """The plan of a tarball that is installed already, and by which install."""

    changed: Literal[False]
    tarball: str
    fuel_version: str
    install: str


class OfferForm(BaseModel):
    """One of several tarballs."""

    tarball: str
    fuel_version: str
    unpacked_bytes: int


class SkippedForm(OfferForm):
    """One that is not installed."""

    why: str


class OrderForm(BaseModel):
    """The order of several tarballs, and the plan of the first."""

    order: list[OfferForm]
    skipped: list[SkippedForm]
    first: PlanForm | None


class PlansForm(RootModel[PlanForm | NothingToDoForm | OrderForm]):
    """A plan of one tarball, a notice that it is installed already, or the order of several."""


class LackingRepoForm(BaseModel):
    """What the bases of one repo lack."""

    version: str
    operating_system: str
    base: str
    base_fingerprint: str
    result_fingerprint: str
    algorithm: str
    missing: str


class RepairRequestForm(BaseModel):
    """What a master lacks."""

    format: int
    fuel_version: str
    master_version: str
    tarball: str
    seal_sha256: str
    repos: list[LackingRepoForm]


class RepairRequestsForm(BaseModel):
    """What a master lacks; null where it lacks nothing."""

    request: RepairRequestForm | None


class VerdictForm(BaseModel):
    """A release that is retired or kept."""

    id: int
    name: str
    version: str
    operating_system: str
    why: str
    repos: list[str]
    undo_lacks: list[str]


class FolderForm(BaseModel):
    """A folder that is removed."""

    path: str
    bytes: int
    files: int
    identity: list[int]


class GcPlanForm(BaseModel):
    """A plan to retire releases."""

    format: Literal[1]
    fuel_version: str
    retire: list[VerdictForm]
    folders: list[FolderForm]
    freed_bytes: int
    keep: list[VerdictForm]


class ChangePlanForm(BaseModel):
    """A plan of a change without a tarball."""

    kind: str
    what: str
    steps: list[StepForm]
