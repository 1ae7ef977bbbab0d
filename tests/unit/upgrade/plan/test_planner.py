"""The plan of an install follows from the header of a tarball, the master and the options."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.bundle.seal import SealedFiles
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.release.dialect import ListDialect
from fuel_upgrade.release.model import RepoEntry
from fuel_upgrade.upgrade.hooks import STEP_POINTS, Hook, Hooks
from fuel_upgrade.upgrade.plan.base_match import BaseMatch
from fuel_upgrade.upgrade.plan.plan import Plan, PlanOptions, as_records
from fuel_upgrade.upgrade.plan.planner import find_equal
from tests.builders import BASE_VERSION, VERSION
from tests.plan_inputs import (
    BASE,
    CONFIG,
    UBUNTU,
    bundle_head,
    described_release,
    master,
    need,
    orchestrator,
    plan_of,
    ready_master,
    registered,
    repo_part,
    sealed,
)

HEAD = bundle_head()
OWN = "http://{MASTER_IP}:8080/{OPENSTACK_VERSION}/ubuntu/x86_64 trusty main"
FAR = RepoEntry(BASE_VERSION, "http://mirror.example/ubuntu trusty main")


def titles(plan: Plan) -> list[str]:
    return [step.title for step in plan.steps]


def params(plan: Plan, kind: str) -> list[Any]:
    return [step.params for step in as_records(plan.steps) if step.kind == kind]


def test_releases_are_registered_when_their_repos_are_live_and_the_version_comes_last() -> None:
    assert [step.kind for step in plan_of(HEAD, ready_master()).steps] == [
        "unpack", "switch", "switch", "switch", "register", "notify", "switch", "switch",
    ]  # fmt: skip


def test_a_release_gets_its_own_repo_and_then_the_repos_of_its_base() -> None:
    repos = plan_of(HEAD, ready_master()).orchestrators[UBUNTU].repos
    assert [repo.name for repo in repos] == [VERSION, BASE_VERSION]
    assert repos[0].location == OWN
    assert repos[1].url == f"http://{{MASTER_IP}}:8080/{BASE_VERSION}/ubuntu/x86_64"


def test_a_full_release_has_its_own_repo_alone() -> None:
    head = bundle_head((repo_part(VERSION, None),))
    repos = plan_of(head, master()).orchestrators[UBUNTU].repos
    assert [repo.name for repo in repos] == [VERSION]


def test_a_base_in_the_same_tarball_brings_its_whole_chain() -> None:
    older = "2014.2-5.9"
    head = bundle_head((repo_part(older, BASE_VERSION), repo_part(VERSION, older)))
    match = BaseMatch(need(version=older), accepted=True, release=BASE)
    on = replace(master(BASE), bases={(older, "ubuntu"): match})
    repos = plan_of(head, on).orchestrators[UBUNTU].repos
    assert [repo.name for repo in repos] == [VERSION, older, BASE_VERSION]


@pytest.mark.parametrize(
    "match",
    [
        None,
        BaseMatch(need(), accepted=False),
        BaseMatch(need(), accepted=True, release=replace(BASE, orchestrator=None)),
    ],
)
def test_a_missing_base_is_left_to_the_checks(match: BaseMatch | None) -> None:
    repos = plan_of(HEAD, master(match=match)).orchestrators[UBUNTU].repos
    assert [repo.name for repo in repos] == [VERSION]


def test_an_equal_registered_release_is_kept() -> None:
    planned = plan_of(HEAD, ready_master())
    rendered = [
        RepoEntry(r.name, r.location.format(MASTER_IP="10.20.0.2", OPENSTACK_VERSION=VERSION))
        for r in planned.orchestrators[UBUNTU].repos
    ]
    equal = registered(7, VERSION, *rendered)
    plan = plan_of(HEAD, replace(ready_master(), releases=(BASE, equal)))
    assert f"keep release R on Ubuntu ({VERSION}) as it is registered" in titles(plan)
    assert [body["adopt"] for body in params(plan, "register")] == [7]
    assert [body["adopt"] for body in params(planned, "register")] == [None]


@pytest.mark.parametrize(
    "other",
    [
        registered(7, "other"),
        registered(7, VERSION, system="CentOS"),
        registered(7, VERSION, FAR),
        replace(registered(7, VERSION), orchestrator=None),
    ],
)
def test_a_release_with_another_name_system_or_repo_is_not_equal(other: Any) -> None:
    data = orchestrator(RepoEntry(VERSION, OWN))
    assert find_equal([other], described_release(), data, "10.20.0.2") is None


def test_a_release_is_registered_with_the_settings_of_this_master() -> None:
    (release,) = HEAD.releases
    uri = "http://{{settings.MASTER_IP}}:8080/a.img.gz"
    described = replace(release, fields={**release.fields, "attributes_metadata": {"uri": uri}})
    plan = plan_of(replace(HEAD, releases=(described,)), ready_master())
    (step,) = params(plan, "register")
    assert step["body"]["attributes_metadata"] == {"uri": "http://10.20.0.2:8080/a.img.gz"}


def test_only_a_later_nailgun_gets_the_deployment_tasks_of_the_puppet_tree() -> None:
    files = {**HEAD.sealed, f"upgrade/puppet/{VERSION}/modules/a/tasks.yaml": sealed()}
    with_tasks = replace(HEAD, sealed=SealedFiles.of(files))
    later = replace(ready_master(), dialect=ListDialect())
    plans = ((with_tasks, ready_master()), (HEAD, later), (with_tasks, later))
    assert [params(plan_of(head, on), "tasks") for head, on in plans] == [
        [],
        [],
        [
            {
                "name": "R on Ubuntu",
                "version": VERSION,
                "operating_system": "Ubuntu",
                "puppet": f"/etc/puppet/{VERSION}",
            }
        ],
    ]


def test_a_base_that_replaces_the_named_one_is_in_the_title() -> None:
    other = registered(2, "2014.1.3-5.1.1")
    on = master(other, match=BaseMatch(need(), accepted=True, release=other))
    title = f"register release R on Ubuntu ({VERSION}) on {other.version} in place of"
    assert f"{title} {BASE_VERSION}" in titles(plan_of(HEAD, on))


def test_full_views_are_built_of_diff_repos_alone() -> None:
    head = bundle_head((repo_part(VERSION, BASE_VERSION), repo_part("full", None, "centos")))
    plan = plan_of(head, ready_master(), full_view=True)
    assert [step.title for step in plan.steps if step.kind == "view"] == [
        f"build the full view of repo {VERSION}/ubuntu/x86_64"
    ]
    assert list(plan.views) == [UBUNTU]
    assert plan.views[UBUNTU].endswith(f"/full-view/{VERSION}/ubuntu/x86_64 trusty main")
    (view,) = params(plan, "view")
    assert view["parts"] == [
        str(CONFIG.paths.repos / version / "ubuntu/x86_64") for version in (VERSION, BASE_VERSION)
    ]


def test_no_full_view_is_built_unless_the_options_ask_for_it() -> None:
    plan = plan_of(HEAD, ready_master())
    assert (plan.views, params(plan, "view")) == ({}, [])


def test_a_full_view_over_a_repo_of_another_server_is_refused() -> None:
    base = registered(1, BASE_VERSION, FAR)
    on = master(base, match=BaseMatch(need(), accepted=True, release=base))
    with pytest.raises(PreflightError, match=r"mirror\.example/ubuntu is not served"):
        plan_of(HEAD, on, full_view=True)
    assert plan_of(HEAD, on).orchestrators[UBUNTU].repos[1].url == FAR.url


def test_hooks_are_steps_at_their_points() -> None:
    hooks = {
        point: Hooks((Hook(point, Path(f"/h/{point}/10-a"), Path(f"/h/{point}/10-a.undo")),))
        for point in STEP_POINTS
    }
    plan = plan_of(HEAD, replace(ready_master(), hooks=hooks))
    assert [step.kind for step in plan.steps] == [
        "hook", "unpack", "hook", "switch", "switch", "switch", "hook", "register", "notify",
        "switch", "switch", "hook",
    ]  # fmt: skip
    assert {step.undo for step in plan.steps if step.kind == "hook"} == {"run 10-a.undo"}
    context = params(plan, "hook")[0]["context"]
    assert (context["install"], context["fuel_from"], context["fuel_to"]) == (
        "ab12cd34", "5.1", "6.0",
    )  # fmt: skip


def test_a_hook_without_an_undo_twin_says_so() -> None:
    hooks = {"after-stage": Hooks((Hook("after-stage", Path("/h/after-stage/10-a")),))}
    plan = plan_of(HEAD, replace(ready_master(), hooks=hooks))
    (undo,) = (step.undo for step in plan.steps if step.kind == "hook")
    assert undo == "nothing: it has no undo twin"


def test_options_add_up() -> None:
    one, other = PlanOptions(verify_base=True), PlanOptions(full_view=True)
    assert one | other == PlanOptions(verify_base=True, full_view=True)
    assert one | PlanOptions() == one
