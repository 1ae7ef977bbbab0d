"""Venvs that travel in an upgrade tarball: planned, published, undone and retired with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from fuel_upgrade.bundle.manifest import UPGRADE
from fuel_upgrade.bundle.tarball_changes import report_tarball
from fuel_upgrade.bundle.verify import read_head, read_head_and_texts
from fuel_upgrade.cli.bundle.bundle_output import show_head
from fuel_upgrade.daemon.response_models.gc_forms import GcPlanForm
from fuel_upgrade.errors import BundleError, ConfigError, PreflightError, StepError
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.install_options import InstallOptions
from fuel_upgrade.upgrade.releases.gc import Gc
from fuel_upgrade.upgrade.review.review import Review
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan
from fuel_upgrade.venv.repo_store import RepoStore
from fuel_upgrade.venv.venv_index import NO_VENVS
from tests.fake_venvs import publish_venvs, reader_view
from tests.integration.test_venv_build import Builder
from tests.integration.test_venv_deploy import Node
from tests.master import ScratchMaster, build, planned, scratch_master
from tests.small_bundles import small_tarball, write_release, write_spec
from tests.tools import needs
from tests.venv_tarballs import NEW, OLD, VenvTarballs, diff_release, venv_tarballs
from tests.venv_wheels import make_wheel, serving_repo


@pytest.fixture(scope="module")
def tarballs(tmp_path_factory: pytest.TempPathFactory) -> VenvTarballs:
    return venv_tarballs(tmp_path_factory.mktemp("tarballs"))


@pytest.fixture
def master(tmp_path: Path) -> Iterator[ScratchMaster]:
    with scratch_master(tmp_path / "master") as made:
        yield made


def served(master: ScratchMaster) -> dict[str, str]:
    """Return the content of each archive by its name of 2016."""
    root = master.config.paths.venvs
    return {path.stem: path.read_text() for path in root.glob("venvs/*/debian-12-x86_64/???-?.tgz")}


def owners(master: ScratchMaster) -> dict[str, tuple[str, ...]]:
    entries = RepoStore(master.config.paths.venvs).read_index().entries
    return {entry.service: entry.releases for entry in entries}


def test_only_venvs_that_differ_travel(tarballs: VenvTarballs) -> None:
    (part,) = read_head(tarballs.new).venvs
    assert (part.to_json()["venvs"], part.to_json()["carried"]) == (2, 1)
    assert part.to_json()["bytes"] == len("api two")
    assert list(part.inherited.values()) == [
        "wheel-1-py3-none-any.whl",
        "web-1.tgz of debian-12-x86_64",
    ]


def test_a_version_without_venvs_would_refuse_the_tarball(
    tarballs: VenvTarballs, tmp_path: Path
) -> None:
    assert _format(tarballs.new) == 2
    assert _format(small_tarball(tmp_path)) == 1


def _format(tarball: Path) -> int:
    return int(yaml.safe_load(read_head_and_texts(tarball)[1][UPGRADE])["format"])


def test_inspect_shows_the_venvs_that_travel(
    tarballs: VenvTarballs, capsys: pytest.CaptureFixture[str]
) -> None:
    show_head(read_head(tarballs.new))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [NEW, "1", "1", "of", "2"] in [line[:5] for line in lines]


def test_the_report_names_the_venvs_that_are_new(tarballs: VenvTarballs) -> None:
    report = report_tarball(tarballs.new).repos[-1]
    assert report.name == f"{NEW} venvs, tag 1"
    assert report.new_packages == 2
    assert "New: api-1.tgz of debian-12-x86_64." in report.note


def test_an_install_publishes_what_the_builder_published(
    master: ScratchMaster, tarballs: VenvTarballs
) -> None:
    master.install(tarballs.old)
    master.install(tarballs.new)
    assert served(master) == {"api-1": "api two", "web-1": "web one"}
    assert owners(master) == {"api": (OLD, NEW), "web": (OLD, NEW)}
    ours, builders = reader_view(master.config.paths.venvs), reader_view(tarballs.repo)
    numbered = {"venvs/index.json"} | {path for path in ours if path.endswith("-1.json")}
    assert {p: t for p, t in ours.items() if p not in numbered} == {
        p: t for p, t in builders.items() if p not in numbered
    }


def test_a_rollback_publishes_the_former_venvs_again(
    master: ScratchMaster, tarballs: VenvTarballs
) -> None:
    master.install(tarballs.old)
    master.engine().release_backups()
    before = master.state()
    master.install(tarballs.new)
    master.engine().rollback()
    assert served(master) == {"api-1": "api one", "web-1": "web one"}
    assert master.state() == before


def test_the_rollback_of_the_first_venvs_leaves_no_file(
    master: ScratchMaster, tarballs: VenvTarballs
) -> None:
    before = master.state()
    master.install(tarballs.old)
    assert served(master)
    master.engine().rollback()
    assert master.state() == before
    assert not master.config.paths.venvs.exists()


def test_a_base_that_is_missing_is_refused_with_its_names(
    master: ScratchMaster, tarballs: VenvTarballs
) -> None:
    master.install(tarballs.old)
    store = RepoStore(master.config.paths.venvs)
    (gone,) = [key for key, name in store.read_index().blobs.items() if name.startswith("web-1")]
    store.blob(gone).unlink()
    with pytest.raises(PreflightError, match=r"web-1\.tgz of debian-12-x86_64") as caught:
        master.engine().plan(tarballs.new)
    assert caught.value.state == "nothing was changed"


def test_a_damaged_base_is_refused_if_the_base_is_verified(
    master: ScratchMaster, tarballs: VenvTarballs
) -> None:
    master.install(tarballs.old)
    (archive,) = master.config.paths.venvs.glob("venvs/1/debian-12-x86_64/web-1-*.tgz")
    archive.write_text("web two")
    with pytest.raises(PreflightError, match=r"web-1\.tgz"):
        master.engine().plan(tarballs.new, InstallOptions(verify_base=True))


def test_a_plan_names_the_venvs_and_their_space(
    master: ScratchMaster, tarballs: VenvTarballs
) -> None:
    master.install(tarballs.old)
    shown = planned(master.engine().plan(tarballs.new))
    (venvs,) = shown["venvs"]
    assert venvs == {"version": NEW, "tag": "1", "venvs": 2, "carried": 1, "bytes": 7}
    (step,) = [step for step in shown["steps"] if step["kind"] == "venvs"]
    assert step["title"] == f"publish the venvs of {NEW} (tag 1, 1 of 2 new)"
    assert step["undo"] == "publish the previous venvs again"
    review = master.engine().plan(tarballs.new)
    assert isinstance(review, Review)
    assert review.plan.staged_bytes[master.config.paths.venvs] > 4096


def test_a_publication_since_the_plan_is_a_drift(
    master: ScratchMaster, tarballs: VenvTarballs
) -> None:
    master.install(tarballs.old)
    plan = planned(master.engine().plan(tarballs.new))
    saved = SavedPlan.parse(plan, source="plan.json")
    publish_venvs(master.config.paths.venvs, "2", {"api": "built here"})
    with pytest.raises(PreflightError, match=r"not as planned: .*\.current"):
        master.engine().install(tarballs.new, InstallOptions(expected=saved), install=new_id())


def test_a_retired_release_takes_its_venvs_along_and_its_undo_brings_them_back(
    master: ScratchMaster, tarballs: VenvTarballs, tmp_path: Path
) -> None:
    master.install(tarballs.old)
    alone = diff_release(tarballs.folder)
    alone["venvs"] = {"repo": str(publish_repo(tmp_path)), "tag": "2"}
    spec = write_spec(tarballs.folder, [full_release(alone)], upgrades="5.1")
    master.install(build(spec, tmp_path / "fuel-6.0-alone.tar"))
    master.engine().release_backups()
    gc = Gc(master.config, master.client, master.engine())
    before = reader_view(master.config.paths.venvs)

    plan = gc.plan((OLD,))
    names = ("api-1.tgz of debian-12-x86_64", "web-1.tgz of debian-12-x86_64")
    assert plan.venvs == {OLD: names}
    assert plan.freed_bytes > len("api one" + "web one")
    assert GcPlanForm.parse(GcPlanForm.model_validate(plan).to_json()) == plan
    gc.apply(plan, install=new_id())
    assert served(master) == {"job-2": "job"}
    master.engine().rollback()
    assert reader_view(master.config.paths.venvs) == before

    gc.apply(gc.plan((OLD,)), install=new_id())
    master.engine().release_backups()
    contents = {p.read_text() for p in master.config.paths.venvs.rglob("*") if p.is_file()}
    assert "api one" not in contents


def publish_repo(folder: Path) -> Path:
    publish_venvs(folder / "repo", "2", {"job": "job"})
    return folder / "repo"


def full_release(part: dict[str, object]) -> dict[str, object]:
    del part["base"]
    return {**part, "repos": {"ubuntu": {"full": "6.0/repo"}}}


def test_a_tag_that_is_not_built_is_refused_with_those_that_are(
    tarballs: VenvTarballs, tmp_path: Path
) -> None:
    part = diff_release(tarballs.folder, tag="9")
    with pytest.raises(ConfigError, match="no venvs of the tag 9; tags there: 1"):
        build(write_spec(tarballs.folder, [part]), tmp_path / "out.tar")


def test_two_releases_with_another_venv_of_one_name_are_refused(
    tarballs: VenvTarballs, tmp_path: Path
) -> None:
    first = write_release(tarballs.folder / "5.1", OLD, files=1, packages=1)
    first["venvs"] = {"repo": "venvs-5.1", "tag": "1"}
    spec = write_spec(tarballs.folder, [first, diff_release(tarballs.folder)])
    with pytest.raises(BundleError, match=f"of {NEW} differs from that of another release"):
        build(spec, tmp_path / "out.tar")


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_failed_publication_leaves_everything_as_before(
    master: ScratchMaster, tarballs: VenvTarballs, point: str
) -> None:
    master.install(tarballs.old)
    before = master.state()
    steps = planned(master.engine().plan(tarballs.new))["steps"]
    (number,) = [step["number"] for step in steps if step["kind"] == "venvs"]
    with pytest.raises(StepError):
        master.install(tarballs.new, fail_points=f"{number}:{point}")
    assert master.state() == before


def test_a_second_install_changes_nothing_unless_venvs_are_gone(
    master: ScratchMaster, tarballs: VenvTarballs
) -> None:
    record = master.install(tarballs.old)
    assert master.install(tarballs.old).id == record.id
    store = RepoStore(master.config.paths.venvs)
    with store.locked():
        store.publish(NO_VENVS)
    with pytest.raises(PreflightError, match="2 venvs are not published"):
        master.install(tarballs.old)


@needs("uv", "git", "nginx")
def test_a_host_deploys_the_venv_of_the_release_and_the_former_one_after_a_rollback(
    master: ScratchMaster, tmp_path: Path
) -> None:
    """The venvs are built by uv, and deployed from the folder of the master by nginx."""
    first = Builder(tmp_path, name="venvs-5.1")
    (before,) = first.build()
    make_wheel(first.wheels, "alpha", "2.0", requires=("beta",), command="alpha")
    second = Builder(tmp_path, name="venvs-6.0")
    (after,) = second.build()
    old = write_release(tmp_path / "5.1", OLD, files=1, packages=1)
    old["venvs"] = {"repo": "venvs-5.1", "tag": "1"}
    master.install(build(write_spec(tmp_path, [old], fuel="5.1"), tmp_path / "fuel-5.1.tar"))
    spec = write_spec(tmp_path, [diff_release(tmp_path, base_repo="venvs-5.1")], upgrades="5.1")
    tarball = build(spec, tmp_path / "fuel-6.0.tar")
    (part,) = read_head(tarball).venvs
    assert set(part.inherited) == {w.sha256 for w in before.entry.wheels} & part.index.blobs.keys()

    with serving_repo(tmp_path / "nginx", master.config.paths.venvs) as server:
        node = Node(first, server)
        node.run()
        assert node.version() == "1.0"
        record = master.install(tarball)
        assert node.run()["changed"]
        assert node.version() == "2.0"
        assert not node.run()["changed"]
        master.engine().rollback(record.id)
        assert node.run()["changed"]
        assert node.version() == "1.0"
    assert before.entry.archive != after.entry.archive
