"""Squashing the newest release and retiring the old ones: all of it, or exactly as before."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.daemon.response_models.gc_forms import GcPlanForm
from fuel_upgrade.errors import (
    ConfigError,
    NotFoundError,
    PreflightError,
    RollbackError,
    StepError,
)
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.repo.apt.repo import read_apt
from fuel_upgrade.repo.description import FILE_NAME
from fuel_upgrade.repo.read_repo import read_repo
from fuel_upgrade.system.disk_space import own_bytes
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.events import Event, StepUndoStarted
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, StepState
from fuel_upgrade.upgrade.releases.gc import Gc
from fuel_upgrade.upgrade.releases.gc_plan import GcPlan
from fuel_upgrade.upgrade.releases.squash_release import plan_squash
from fuel_upgrade.upgrade.steps.register import Register
from fuel_upgrade.upgrade.steps.unregister import Unregister
from tests.master import ScratchMaster, State, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
URL = "http://127.0.0.1:8080"
OLD, NEW = "2014.1.1-5.1", "2014.2-6.0"
GC_STEPS = 7  # staging folders, two releases, two repos, puppet, version file
SQUASH_STEPS = 7  # staging folders, merge and switch of two repos, two releases


def gc(master: ScratchMaster, fail_points: str = "") -> Gc:
    return Gc(master.config, master.client, master.engine(fail_points))


def apply(master: ScratchMaster, plan: GcPlan, fail_points: str = "") -> ChangeRecord:
    return gc(master, fail_points).apply(plan, install=new_id())


def squash(master: ScratchMaster, version: str = NEW, fail_points: str = "") -> ChangeRecord:
    return master.engine(fail_points).change(
        lambda: plan_squash(master.config, master.client, version, install=new_id())
    )


def without_ids(state: State) -> tuple[str, set[object], tuple[object, ...]]:
    """Remove the id, which changes when a release is posted again, and with it the order."""
    releases = {replace(r, id=0) for r in state.releases if isinstance(r, RegisteredRelease)}
    return state.tree, {str(release) for release in releases}, state.notifications


@pytest.fixture(scope="module")
def chain(
    tarballs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchMaster]:
    """A master with 5.1 and its diff 6.0; each test leaves it as it was, or fails."""
    with scratch_master(tmp_path_factory.mktemp("chain")) as scratch:
        scratch.install(tarballs["5.1"])
        scratch.install(tarballs["6.0"])
        yield scratch


@pytest.fixture(scope="module")
def squashed(
    tarballs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchMaster]:
    """A master whose 6.0 needs no base, with no backups; each test leaves it as it was."""
    with ready(tmp_path_factory.mktemp("squashed"), tarballs) as scratch:
        yield scratch


@pytest.fixture
def fresh(tarballs: dict[str, Path], tmp_path: Path) -> Iterator[ScratchMaster]:
    """The same, for one test."""
    with ready(tmp_path / "master", tarballs) as scratch:
        yield scratch


@contextmanager
def ready(root: Path, tarballs: dict[str, Path]) -> Iterator[ScratchMaster]:
    with scratch_master(root) as scratch:
        scratch.install(tarballs["5.1"])
        scratch.install(tarballs["6.0"])
        squash(scratch)
        scratch.engine().release_backups()
        yield scratch


def test_a_base_that_a_diff_release_needs_is_refused_by_name(chain: ScratchMaster) -> None:
    with pytest.raises(PreflightError) as caught:
        gc(chain).plan([OLD])
    named = (f"must be kept: base of release {NEW} (Juno on {os}" for os in ("CentOS", "Ubuntu"))
    assert [any(name in text for text in caught.value.failures) for name in named] == [True, True]


def test_everything_is_kept_with_its_reason(chain: ScratchMaster) -> None:
    plan = gc(chain).plan()
    assert plan.retire == ()
    assert {verdict.version: verdict.why for verdict in plan.keep}[NEW] == "current: Fuel 6.0"
    with pytest.raises(PreflightError, match="retires nothing"):
        apply(chain, plan)


def test_the_current_release_cannot_be_named(squashed: ScratchMaster) -> None:
    with pytest.raises(PreflightError, match=r"must be kept: current: Fuel 6\.0"):
        gc(squashed).plan([NEW])


def test_an_unknown_release_is_refused(squashed: ScratchMaster) -> None:
    with pytest.raises(NotFoundError, match="2013: no release of this version"):
        gc(squashed).plan(["2013"])


def test_a_release_that_a_cluster_uses_is_kept_and_the_cluster_named(
    squashed: ScratchMaster,
) -> None:
    used = next(r for r in squashed.client.releases() if r.version == OLD)
    cluster = squashed.store.add_cluster("old", used.id, fuel_version="5.1")
    plan = gc(squashed).plan()
    squashed.store.delete_cluster(cluster.id)
    assert [verdict.why for verdict in plan.keep if verdict.id == used.id] == [
        f"used by cluster old (id {cluster.id})"
    ]
    assert [verdict.version for verdict in plan.retire] == [OLD]
    assert all(used.os_key not in folder.path.parts for folder in plan.folders)
    assert all("puppet" not in folder.path.parts for folder in plan.folders)


def test_a_plan_survives_its_file(squashed: ScratchMaster) -> None:
    plan = gc(squashed).plan()
    assert {verdict.version for verdict in plan.retire} == {OLD}
    assert GcPlanForm.parse(GcPlanForm.model_validate(plan).to_json()) == plan
    assert plan.freed_bytes == own_bytes(*(verdict.path for verdict in plan.folders)) > 0


def test_a_file_that_is_no_plan_is_refused() -> None:
    with pytest.raises(ConfigError, match="no plan of fuel-upgrade gc"):
        GcPlanForm.parse({"format": 1})


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("step", range(1, GC_STEPS + 1))
def test_a_failing_step_of_a_gc_leaves_everything_as_before(
    squashed: ScratchMaster, step: int, where: str
) -> None:
    before = squashed.state()
    plan = gc(squashed).plan()
    with pytest.raises(StepError, match=f"fail point {step}:{where}") as caught:
        apply(squashed, plan, f"{step}:{where}")
    assert caught.value.state == "rolled back to Fuel 6.0"
    assert without_ids(squashed.state()) == without_ids(before)
    record = squashed.engine().journal.installs()[-1]
    assert (record.kind, record.state) == ("gc", InstallState.ROLLED_BACK)
    steps = squashed.engine().journal.steps(record.id)
    assert {s.state for s in steps[:step]} == {StepState.REVERTED}
    assert {s.state for s in steps[step:]} <= {StepState.PLANNED}


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("step", range(1, SQUASH_STEPS + 1))
def test_a_failing_step_of_a_squash_leaves_everything_as_before(
    chain: ScratchMaster, step: int, where: str
) -> None:
    before = chain.state()
    with pytest.raises(StepError, match=f"fail point {step}:{where}"):
        squash(chain, fail_points=f"{step}:{where}")
    assert chain.state() == before


def test_a_gc_takes_all_of_a_release_and_its_undo_brings_all_back(fresh: ScratchMaster) -> None:
    before = fresh.state()
    bodies = {r.name: fresh.client.release_body(r.id) for r in fresh.client.releases()}
    record = apply(fresh, gc(fresh).plan())
    assert len(fresh.engine().journal.steps(record.id)) == GC_STEPS
    assert {r.version for r in fresh.client.releases()} == {NEW}
    paths = fresh.config.paths
    gone = (paths.repos / OLD, paths.puppet / OLD, paths.release_versions / f"{OLD}.yaml")
    assert [path for path in gone if path.exists()] == []
    fresh.engine().rollback(record.id)
    assert without_ids(fresh.state()) == without_ids(before)
    assert {r.name: fresh.client.release_body(r.id) for r in fresh.client.releases()} == bodies
    assert fresh.engine().record(record.id).state is InstallState.UNDONE


def test_hidden_fields_of_a_release_are_posted_again(fresh: ScratchMaster) -> None:
    plan = gc(fresh).plan()
    record = apply(fresh, plan)
    steps = fresh.engine().journal.steps(record.id)
    posted = [step.body for step in Unregister.among(steps)]
    installed = [
        step.body
        for record in fresh.engine().journal.installs()
        for step in Register.among(fresh.engine().journal.steps(record.id))
        if step.body["version"] == OLD
    ]
    assert {body["name"] for body in posted} == {body["name"] for body in installed}
    for body in posted:
        (first,) = (other for other in installed if other["name"] == body["name"])
        assert set(first) <= set(body)


def test_a_release_that_no_install_brought_must_be_named(fresh: ScratchMaster) -> None:
    release = next(r for r in fresh.client.releases() if r.version == OLD)
    body = fresh.client.release_body(release.id)
    fresh.client.create_release({**body, "name": "Old by hand", "version": "2013-5.0",
        "orchestrator_data": {**body["orchestrator_data"], "repo_metadata":
            {"2013-5.0": f"{URL}/2013-5.0/ubuntu/x86_64 precise main"}}})  # fmt: skip
    (kept,) = (verdict for verdict in gc(fresh).plan().keep if verdict.version == "2013-5.0")
    assert "name it with --release 2013-5.0" in kept.why
    (named,) = gc(fresh).plan(["2013-5.0"]).retire
    assert named.undo_lacks == ("volumes_metadata",)


def test_a_gc_without_backups_cannot_be_undone(fresh: ScratchMaster) -> None:
    record = apply(fresh, gc(fresh).plan())
    staged = fresh.config.paths.repos / ".fuel-upgrade" / record.id
    assert staged.exists()
    assert fresh.engine().release_backups().id == record.id
    assert not staged.exists()
    with pytest.raises(PreflightError, match="its backups are not kept"):
        fresh.engine().rollback(record.id)
    with pytest.raises(PreflightError, match="no backups are kept"):
        fresh.engine().release_backups()


def test_partly_deleted_backups_count_as_deleted(fresh: ScratchMaster) -> None:
    record = apply(fresh, gc(fresh).plan())
    fresh.engine().journal.release(record.id)  # as far as a crash may let it come
    staged = fresh.config.paths.repos / ".fuel-upgrade" / record.id
    next(staged.rglob("*.deb")).unlink()
    with pytest.raises(PreflightError, match="its backups are not kept"):
        fresh.engine().rollback(record.id)
    fresh.engine().release_backups()
    assert not staged.exists()


def test_a_squashed_release_stands_alone_and_shares_its_files(fresh: ScratchMaster) -> None:
    apply(fresh, gc(fresh).plan())
    fresh.engine().release_backups()
    for release in fresh.client.releases():
        assert release.orchestrator is not None
        (repo,) = release.orchestrator.repos
        folder = fresh.config.paths.repos / NEW / release.os_key / "x86_64"
        contents = read_apt(folder, suite=repo.suite) if repo.suite else read_repo(folder)
        assert len(contents.packages) == 8
        assert all((folder / p.location).stat().st_size == p.size_bytes for p in contents.packages)
        assert not (folder / FILE_NAME).exists()


def test_a_squash_can_be_undone_and_until_then_its_base_stays(
    tarballs: dict[str, Path], tmp_path: Path
) -> None:
    with scratch_master(tmp_path / "master") as master:
        master.install(tarballs["5.1"])
        master.install(tarballs["6.0"])
        master.engine().release_backups()
        before = master.state()
        label = _label(master)
        record = squash(master)
        assert (record.kind, record.state) == ("squash", InstallState.INSTALLED)
        assert _label(master) == label  # apt on nodes takes it for the same repo
        plan = gc(master).plan()
        assert plan.retire == ()
        assert all(
            "--release-backups" in verdict.why for verdict in plan.keep if verdict.version == OLD
        )
        master.engine().rollback(record.id)
        assert master.state() == before


def _label(master: ScratchMaster) -> str:
    return read_apt(master.config.paths.repos / NEW / "ubuntu/x86_64").release["Label"]


def test_a_release_without_a_base_cannot_be_squashed(chain: ScratchMaster) -> None:
    with pytest.raises(PreflightError, match="has no base"):
        squash(chain, OLD)


def by_hand(master: ScratchMaster, version: str, *bases: str) -> int:
    """Register a release whose repos nobody has, and return its id."""
    body = master.client.release_body(master.client.releases()[0].id)
    repos = {v: f"{URL}/{v}/ubuntu/x86_64 precise main" for v in (version, *bases)}
    data = {**body["orchestrator_data"], "repo_metadata": repos}
    made = {"name": "by hand", "version": version, "operating_system": "Ubuntu"}
    return master.client.create_release({**body, **made, "orchestrator_data": data}).id


def test_a_release_that_another_is_a_diff_of_cannot_be_squashed(chain: ScratchMaster) -> None:
    newer = by_hand(chain, "2014.2-6.1", NEW, OLD)
    with pytest.raises(PreflightError, match=r"by hand \(2014\.2-6\.1\) is a diff of Juno on Ubu"):
        squash(chain)
    chain.client.delete_release(newer)


def test_a_release_whose_repo_is_no_diff_cannot_be_squashed(chain: ScratchMaster) -> None:
    newer = by_hand(chain, "2014.2-6.1", OLD)
    with pytest.raises(PreflightError, match="expected the diff repo of release by hand"):
        squash(chain, "2014.2-6.1")
    chain.client.delete_release(newer)


def test_a_release_in_use_can_be_squashed_but_not_while_nailgun_works(
    tarballs: dict[str, Path], tmp_path: Path
) -> None:
    with scratch_master(tmp_path / "master") as master:
        master.install(tarballs["5.1"])
        master.install(tarballs["6.0"])
        used = next(r for r in master.client.releases() if r.version == NEW)
        cluster = master.store.add_cluster("new", used.id, fuel_version="6.0")
        squash(master)
        assert {len(r.orchestrator.repos) for r in master.client.releases() if r.orchestrator} == {
            1
        }
        master.engine().rollback()
        master.store.add_task("deploy", "running", cluster_id=cluster.id)
        with pytest.raises(PreflightError, match=r"Nailgun runs task 1 \(deploy,"):
            squash(master)


def test_a_release_that_is_not_there_cannot_be_squashed(chain: ScratchMaster) -> None:
    with pytest.raises(NotFoundError):
        squash(chain, "2013")


Damage = Callable[[ScratchMaster], object]


def _add_a_file(master: ScratchMaster) -> None:
    (master.config.paths.repos / OLD / "ubuntu/x86_64/new").write_text("new\n")


def _replace_puppet(master: ScratchMaster) -> None:
    place = master.config.paths.puppet / OLD
    kept = place.with_name("kept")
    place.rename(kept)
    shutil.copytree(kept, place)


def _use_it(master: ScratchMaster) -> None:
    used = next(r for r in master.client.releases() if r.version == OLD)
    master.store.add_cluster("late", used.id, fuel_version="6.0")


def _delete_it(master: ScratchMaster) -> None:
    used = next(r for r in master.client.releases() if r.version == OLD)
    master.client.delete_release(used.id)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_add_a_file, "files that take .*, the master .* files that take"),
        (_replace_puppet, "somebody replaced it"),
        (_use_it, "is kept now: used by cluster late"),
        (_delete_it, "is gone"),
        (lambda m: shutil.rmtree(m.config.paths.puppet / OLD), "is gone, or in use again"),
    ],
    ids=["more in it", "replaced", "used", "deleted", "folder gone"],
)
def test_a_master_that_changed_since_the_review_is_refused(
    fresh: ScratchMaster, damage: Damage, message: str
) -> None:
    plan = gc(fresh).plan()
    damage(fresh)
    before = fresh.state()
    with pytest.raises(PreflightError, match=message):
        apply(fresh, plan)
    assert fresh.state() == before


def test_content_of_somebody_else_is_not_overwritten(fresh: ScratchMaster) -> None:
    record = apply(fresh, gc(fresh).plan())
    place = fresh.config.paths.puppet / OLD
    place.mkdir()
    (place / "mine").write_text("mine\n")
    with pytest.raises(RollbackError, match="somebody else created it"):
        fresh.engine().rollback(record.id)
    assert (place / "mine").read_text() == "mine\n"
    assert fresh.engine().record(record.id).state is InstallState.INCONSISTENT
    staged = fresh.config.paths.puppet / ".fuel-upgrade" / record.id / OLD
    assert staged.exists()
    shutil.rmtree(place)
    fresh.engine().rollback(record.id)
    assert place.exists()


def test_an_interrupted_undo_is_continued(fresh: ScratchMaster) -> None:
    before = without_ids(fresh.state())
    record = apply(fresh, gc(fresh).plan())
    seen: list[str] = []

    def stop(event: Event) -> None:
        if isinstance(event, StepUndoStarted):
            seen.append(event.title)
            if len(seen) == 4:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fresh.engine().rollback(record.id, watch=stop)
    fresh.engine().recover()
    assert without_ids(fresh.state()) == before
