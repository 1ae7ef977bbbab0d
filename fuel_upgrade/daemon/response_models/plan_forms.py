"""The shapes of plans of tarballs."""

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import AliasPath, Field, JsonValue, RootModel

from fuel_upgrade.bundle.manifest import RepoPart
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.daemon.response_models.form import Form, PathText
from fuel_upgrade.daemon.response_models.install_forms import InstallForm
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.report.package_changes import ChangeKind
from fuel_upgrade.upgrade.install_all import InstalledAll, PlannedOrder
from fuel_upgrade.upgrade.plan.plan import PlannedStep
from fuel_upgrade.upgrade.review.api_calls import count_calls
from fuel_upgrade.upgrade.review.earlier_install import NothingToDo
from fuel_upgrade.upgrade.review.review import Review
from fuel_upgrade.upgrade.review.saved_plan import basis_json

_FULL = "A full repo: it does not build on another one."


class BaseFoundForm(Form):
    """The base that a diff release builds on."""

    named: str = Field(description="The version that the tarball names.")
    found: str | None = Field(
        description="The version of the release that has all inherited packages; null where no "
        "base is needed."
    )
    inside: bool = Field(description="Whether the tarball itself brings the base.")
    inherited: int = Field(description="The number of inherited packages.")


class PlannedRepoForm(Form):
    """A repo that a release will have."""

    name: str = Field(description="Its name.")
    location: str = Field(description="``URL``, or ``URL suite component...``, with macros.")


class PlannedReleaseForm(Form):
    """A release that will be registered."""

    name: str = Field(description="Its name.")
    version: str = Field(description="Its version, such as ``2014.2-6.0``.")
    operating_system: str = Field(description="``Ubuntu`` or ``CentOS``.")
    base: str | None = Field(description="The version of its base; null for a full release.")
    base_found: BaseFoundForm | None = Field(description="Null for a full release.")
    repos: list[PlannedRepoForm] = Field(description="Its chain of repos, newest first.")
    full_view: str | None = Field(description="The location of its full view.")


class BundledRepoForm(Form):
    """A repo in the tarball, as ``upgrade.yaml`` describes it."""

    version: str = Field(description="The version of its release.")
    operating_system: str = Field(description="``ubuntu`` or ``centos``.")
    kind: RepoKind = Field(description="The format of the repo.")
    suite: str | None = Field(description="The apt suite.")
    components: list[str] = Field(description="The apt components.")
    packages: int = Field(description="The number of packages in the tarball.")
    bytes: int = Field(description="Their size.")
    full_packages: int = Field(description="The number of packages of the whole release.")
    full_bytes: int = Field(description="Their size.")
    base: str | None = Field(description="The version of its base; null for a full repo.")


class PackageChangeForm(Form):
    """A package name and architecture that differs from the base."""

    kind: ChangeKind = Field(description="The kind of change.")
    name: str = Field(description="The name of the package.")
    architecture: str = Field(description="Its architecture.")
    old_versions: list[str] = Field(description="The versions that only the base has.")
    new_versions: list[str] = Field(description="The versions that only the new release has.")
    kept_versions: list[str] = Field(description="The versions that both have.")
    old_bytes: int | None = Field(description="The size of the old versions; null if unknown.")
    new_bytes: int | None = Field(description="The size of the new versions; null if unknown.")
    old_components: list[str] = Field(description="The apt components of the old versions.")
    new_components: list[str] = Field(description="The apt components of the new versions.")


class RepoChangesForm(Form):
    """The changes that one repo brings."""

    version: str = Field(description="The version of its release.")
    operating_system: str = Field(description="``ubuntu`` or ``centos``.")
    base: str | None = Field(description="The version of its base; null for a full repo.")
    counts: dict[str, int] = Field(
        description="The number of package names and architectures by kind of change."
    )
    inherited: int = Field(description="The number of inherited packages.")
    changes: list[PackageChangeForm] = Field(
        description="The changes; empty for a full repo and where ``note`` says so."
    )
    note: str = Field(description="A remark for people; may be empty.")


class StepForm(Form):
    """A step of a plan."""

    number: int = Field(description="Its position, from 1.")
    kind: str = Field(
        description="``unpack``, ``switch``, ``view``, ``register``, ``tasks``, ``notify`` or "
        "``hook``; of a gc or squash also ``stage``, ``retire``, ``unregister`` or ``reregister``."
    )
    title: str = Field(description="Its name for people.")
    undo: str = Field(description="The effect of its undo, in words.")


def numbered(steps: Iterable[PlannedStep]) -> list[StepForm]:
    """Return the forms of the steps of a plan, numbered from 1."""
    return [
        StepForm(number=number, kind=step.kind, title=step.title, undo=step.undo)
        for number, step in enumerate(steps, 1)
    ]


class DiskForm(Form):
    """The disk space that a plan needs on one file system."""

    mount_point: PathText = Field(
        validation_alias=AliasPath("file_system", "mount_point"), description="Its mount point."
    )
    free_bytes: int = Field(
        validation_alias=AliasPath("file_system", "free_bytes"), description="The free space now."
    )
    needed_bytes: int = Field(description="The space needed at the fullest moment.")
    reserve_bytes: int = Field(description="The space that must stay free.")
    backup_bytes: int = Field(description="The size of the live content that becomes the backup.")
    released_bytes: int = Field(
        description="The size of earlier backups, which are deleted at the end."
    )
    peak_free_bytes: int = Field(description="The free space at the fullest moment.")
    after_free_bytes: int = Field(description="The free space afterwards.")


class MemoryForm(Form):
    """The memory that a plan needs."""

    bound_bytes: int | None = Field(
        description="The upper bound, the daemon included; null if unknown."
    )
    daemon_bytes: int = Field(description="The part of the daemon itself.")
    entries: int = Field(description="The files in the seal and the lines of each ``diff.yaml``.")
    indexed_packages: int = Field(
        description="The packages in the indexes that are searched for a base."
    )
    viewed_packages: int = Field(description="The packages of the full views to build.")
    window_bytes: int | None = Field(
        description="The memory for decompression; null if the tarball does not declare it."
    )


class BundledVenvsForm(Form):
    """The venvs of one release in the tarball."""

    version: str = Field(description="The version of the release.")
    tag: str = Field(description="Their tag.")
    venvs: int = Field(description="The number of venvs with this tag.")
    carried: int = Field(description="The number of those that travel; the base has the others.")
    bytes: int = Field(description="The size of the archives and wheels that travel.")


class RunningTaskForm(Form):
    """A task of Nailgun that an install would wait for, or be refused for."""

    id: int = Field(validation_alias=AliasPath("task", "id"), description="Its id in Nailgun.")
    name: str = Field(validation_alias=AliasPath("task", "name"), description="Its name.")
    status: str = Field(validation_alias=AliasPath("task", "status"), description="Its status.")
    progress: int | None = Field(
        validation_alias=AliasPath("task", "progress"), description="In percent."
    )
    cluster: int | None = Field(
        validation_alias=AliasPath("task", "cluster"), description="The id of its cluster."
    )
    cluster_name: str | None = Field(description="The name of its cluster.")
    what: str = Field(description="All of it in words.")


class CallForm(Form):
    """A kind of request to Nailgun."""

    method: str = Field(description="The HTTP method.")
    path: str = Field(description="The path below ``/api/v1``.")
    count: int = Field(description="The number of such requests.")
    purpose: str = Field(description="The purpose, in words.")
    undo: bool = Field(description="Whether only an undo sends it.")


class PlanForm(Form):
    """The plan of one tarball. All checks have passed; nothing was changed."""

    plan_format: Literal[1] = Field(description="The number of this form.")
    tarball: str = Field(description="The absolute path of the tarball.")
    seal_sha256: str = Field(description="The SHA-256 of its seal, which identifies the tarball.")
    fuel_from: str = Field(description="The Fuel version before.")
    fuel_to: str = Field(description="The Fuel version afterwards.")
    releases: list[PlannedReleaseForm] = Field(description="The releases to register.")
    repos: list[BundledRepoForm] = Field(description="The repos in the tarball.")
    packages: list[RepoChangesForm] = Field(description="The changes of each repo.")
    venvs: list[BundledVenvsForm] = Field(description="The venvs of each release that has some.")
    steps: list[StepForm] = Field(description="The steps of the install, in their order.")
    read_bytes: int = Field(description="The size of the tarball.")
    write_bytes: int = Field(description="The size of its unpacked files.")
    disks: list[DiskForm] = Field(description="The disk space needed on each file system.")
    memory: MemoryForm = Field(description="The memory needed.")
    running_tasks: list[RunningTaskForm] = Field(description="The current tasks of Nailgun.")
    calls: list[CallForm] = Field(description="The requests to Nailgun: the undo's come last.")
    basis: dict[str, JsonValue] = Field(
        description="Everything that the plan depends on. Two plans with an equal basis would do "
        "the same; ``POST /v1/installs`` with a plan compares it. Not meant for reading."
    )
    warnings: list[str] = Field(
        description="Probable mistakes that do not prevent an install, such as a ``master_ip`` "
        "that is no address of this host."
    )

    @classmethod
    def of_review(cls, review: Review) -> Self:
        """Build the form of a reviewed plan."""
        head, plan = review.head, review.plan
        return cls(
            plan_format=1,
            tarball=str(head.path.absolute()),
            seal_sha256=head.seal_sha256,
            fuel_from=plan.fuel_from,
            fuel_to=plan.fuel_to,
            releases=_releases(review),
            repos=[BundledRepoForm(**repo.to_json()) for repo in head.repos],
            packages=[_changes(head, repo) for repo in head.repos],
            venvs=[BundledVenvsForm(**part.to_json()) for part in head.venvs],
            steps=numbered(plan.steps),
            read_bytes=head.size_bytes,
            write_bytes=head.unpacked_bytes,
            disks=[DiskForm.model_validate(disk) for disk in review.costs.disks],
            memory=MemoryForm.model_validate(review.costs.memory),
            running_tasks=[
                RunningTaskForm.model_validate(task) for task in review.master.running_tasks
            ],
            calls=_calls(plan.steps),
            basis=basis_json(review.basis),
            warnings=list(review.warnings),
        )


class NothingToDoForm(Form):
    """The answer for a tarball that is already installed."""

    changed: Literal[False] = Field(description="Nothing would be changed.")
    tarball: str = Field(description="The path of the tarball.")
    fuel_version: str = Field(description="Its Fuel version.")
    install: str = Field(description="The id of the install, which is intact.")

    @classmethod
    def of_earlier(cls, earlier: NothingToDo) -> Self:
        """Build the form of an intact install."""
        return cls(
            changed=False,
            tarball=str(earlier.tarball),
            fuel_version=earlier.record.fuel_to,
            install=earlier.record.id,
        )


class OfferForm(Form):
    """One of several tarballs."""

    tarball: str = Field(description="Its file name.")
    fuel_version: str = Field(description="Its Fuel version.")
    unpacked_bytes: int = Field(description="The size of its unpacked files.")


class SkippedForm(OfferForm):
    """A tarball that is not needed."""

    why: str = Field(description="The reason.")


class _OrderedForm(Form):
    order: list[OfferForm] = Field(description="The tarballs to install, in this order.")
    skipped: list[SkippedForm] = Field(description="The tarballs that are not needed.")


class OrderForm(_OrderedForm):
    """The order of several tarballs, and the plan of the first."""

    first: PlanForm | NothingToDoForm | None = Field(
        description="The plan of the first; null if nothing is to be installed."
    )

    @classmethod
    def of_order(cls, planned: PlannedOrder) -> Self:
        """Build the form of an order."""
        first = None if planned.first is None else plan_form(planned.first)
        return cls(**planned.order.to_json(), first=first)


class AllInstalledForm(_OrderedForm):
    """The result of an install job of several tarballs."""

    installs: list[InstallForm] = Field(description="The installs that were done.")
    changed: bool = Field(description="Whether there is any.")

    @classmethod
    def of_installed(cls, done: InstalledAll) -> Self:
        """Build the form of the result."""
        installs = [InstallForm.model_validate(record) for record in done.installs]
        return cls(**done.order.to_json(), installs=installs, changed=bool(installs))


class PlansForm(RootModel[PlanForm | NothingToDoForm | OrderForm]):
    """The plan of one tarball, or the order of several."""


def plan_form(planned: Review | NothingToDo) -> PlanForm | NothingToDoForm:
    """Return the form of the plan of one tarball."""
    if isinstance(planned, NothingToDo):
        return NothingToDoForm.of_earlier(planned)
    return PlanForm.of_review(planned)


def _releases(review: Review) -> list[PlannedReleaseForm]:
    forms = []
    for release in review.head.releases:
        key = (release.version, release.os_key)
        match = review.master.bases.get(key)
        form = PlannedReleaseForm(
            name=release.name,
            version=release.version,
            operating_system=release.operating_system,
            base=review.head.diff_releases.get(release.version),
            base_found=BaseFoundForm(**match.to_json()) if match else None,
            repos=[
                PlannedRepoForm.model_validate(repo)
                for repo in review.plan.orchestrators[key].repos
            ],
            full_view=review.plan.views.get(key),
        )
        forms.append(form)
    return forms


def _changes(head: BundleHead, repo: RepoPart) -> RepoChangesForm:
    description = head.descriptions.get((repo.version, repo.os_key))
    if description is None:
        counts, inherited, changes, note = {"added": repo.full_packages}, 0, [], _FULL
    else:
        report = description.report(repo.place)
        counts = dict(description.counts) if report.note else report.counts
        inherited, note = len(description.inherited), report.note
        changes = [PackageChangeForm(**change.to_json()) for change in report.changes]
    return RepoChangesForm(
        version=repo.version,
        operating_system=repo.os_key,
        base=repo.base,
        counts=counts,
        inherited=inherited,
        changes=changes,
        note=note,
    )


def _calls(steps: Iterable[PlannedStep]) -> list[CallForm]:
    rows = sorted(count_calls(steps).items(), key=lambda pair: pair[0].undo)
    return [
        CallForm(method=c.method, path=c.path, count=n, purpose=c.purpose, undo=c.undo)
        for c, n in rows
    ]
