"""The reasons to keep a release, and the drift between a master and a reviewed plan."""

from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, RepoEntry
from fuel_upgrade.upgrade.releases.gc_plan import (
    Candidate,
    Content,
    GcPlan,
    Verdict,
    drift,
    reasons,
    why_current,
    why_used,
)

OLD, MIDDLE, NEW = "2014.1-5.1", "2014.2-6.0", "2014.2-6.1"


def candidate(
    number: int, *versions: str, system: str = "Ubuntu", puppet: str = "", name: str = ""
) -> Candidate:
    """A release of the first version, with the repos of all, below /r."""
    repos = tuple(RepoEntry(v, f"http://m/{v}/{system}") for v in versions)
    source = f"rsync://m:/puppet/{puppet or versions[0]}/modules/"
    data = OrchestratorData(repos, source, source)
    release = RegisteredRelease(number, name or versions[0], versions[0], system, "available", data)
    folders = [Path("/r", v, system) for v in versions]
    return Candidate(release, folders[0], frozenset(folders))


CHAIN = [candidate(1, OLD), candidate(2, MIDDLE, OLD), candidate(3, NEW, MIDDLE, OLD)]


def test_the_whole_chain_of_a_kept_release_is_kept() -> None:
    reason_by_id = why_used(CHAIN, {3: "current"})
    assert reason_by_id[1] == reason_by_id[2] == f"base of release {NEW} ({NEW})"


def test_a_chain_that_nobody_needs_is_free_as_a_whole() -> None:
    alone = [candidate(1, OLD), candidate(2, MIDDLE, OLD), candidate(3, NEW)]
    assert why_used(alone, {3: "current"}) == {3: "current"}


def test_a_need_reaches_through_releases_that_are_not_named() -> None:
    chain = [candidate(1, OLD), candidate(2, MIDDLE, puppet=OLD), candidate(3, NEW, MIDDLE)]
    reason_by_id = why_used(chain, {3: "current"})
    assert reason_by_id[2] == f"base of release {NEW} ({NEW})"
    assert reason_by_id[1] == f"has the puppet of {MIDDLE} ({MIDDLE})"


def test_releases_of_one_repo_stay_together() -> None:
    twins = [candidate(1, OLD), candidate(2, OLD, name="twin")]
    assert why_used(twins, {2: "used"})[1] == f"shares its repo with release {OLD} (twin)"


def test_the_system_tells_bases_apart() -> None:
    other = [candidate(1, OLD, system="CentOS"), CHAIN[2]]
    assert 1 not in why_used(other, {3: "current"})


def test_a_need_comes_before_a_weak_reason_and_after_a_firm_one() -> None:
    weak = {1: "not asked for", 2: "not asked for"}
    reason_by_id = reasons(CHAIN, {3: "current", 2: "cluster"}, weak)
    assert reason_by_id[1].startswith("base of release")
    assert reason_by_id[2] == "cluster"


def test_the_release_of_the_running_fuel_is_current() -> None:
    assert why_current(CHAIN, "6.0") == {2: "current: Fuel 6.0"}


def test_each_system_keeps_its_newest_where_none_is_current() -> None:
    both = [*CHAIN, candidate(4, OLD, system="CentOS")]
    reason_by_id = why_current(both, "6.1")
    assert reason_by_id == {3: "current: Fuel 6.1", 4: "the newest of CentOS"}


def plan() -> GcPlan:
    content = Content(Path("/r/5.1"), 10, 2, (1, 2))
    verdict = Verdict.of(CHAIN[0].release, "free", ("volumes_metadata",))
    return GcPlan("6.0", (verdict,), (content,), (Verdict.of(CHAIN[2].release, "current"),), 10)


def test_an_unchanged_master_has_no_drift() -> None:
    assert list(drift(plan(), plan())) == []


@pytest.mark.parametrize(
    ("now", "reported"),
    [
        (replace(plan(), fuel_version="6.1"), "Fuel 6.1 runs here, the plan is for 6.0"),
        (replace(plan(), retire=()), "id 1: is gone"),
        (replace(plan(), retire=(), keep=(replace(plan().retire[0], why="used"),)), "now: used"),
        (replace(plan(), retire=(replace(plan().retire[0], name="x"),)), "is now release x"),
        (replace(plan(), retire=(replace(plan().retire[0], repos=("u",)),)), "the repos u"),
        (replace(plan(), folders=()), "/r/5.1: is gone"),
        (replace(plan(), folders=(replace(plan().folders[0], identity=(9,)),)), "replaced it"),
        (replace(plan(), folders=(replace(plan().folders[0], files=3),)), "the master 3 files"),
        (
            replace(plan(), folders=(*plan().folders, Content(Path("/x"), 1, 1, (3,)))),
            "/x: belongs to these releases now",
        ),
    ],
)
def test_each_difference_is_reported(now: GcPlan, reported: str) -> None:
    assert any(reported in text for text in drift(plan(), now))
