"""After a post without an answer, the release that is found must be the one that was posted."""

from dataclasses import replace

import pytest

from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, RepoEntry
from fuel_upgrade.release.readback import is_rendered_from

VERSION = "2014.2-6.0"
POSTED = OrchestratorData(
    (
        RepoEntry(VERSION, "http://{MASTER_IP}:8080/{OPENSTACK_VERSION}/centos/x86_64"),
        RepoEntry("2014.1-5.1", "http://10.20.0.2:8080/2014.1-5.1/centos/x86_64"),
    ),
    "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}/manifests/",
    "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}/modules/",
)


def render(text: str) -> str:
    return text.replace("{MASTER_IP}", "10.20.0.2").replace("{OPENSTACK_VERSION}", VERSION)


RENDERED = OrchestratorData(
    tuple(RepoEntry(repo.name, render(repo.location)) for repo in POSTED.repos),
    render(POSTED.puppet_manifests_source),
    render(POSTED.puppet_modules_source),
)


def registered(data: OrchestratorData | None) -> RegisteredRelease:
    return RegisteredRelease(7, "Juno", VERSION, "CentOS", "available", data)


def test_macros_that_nailgun_filled_in_are_no_difference() -> None:
    assert is_rendered_from(POSTED, registered(RENDERED))


def test_the_order_of_repos_is_no_difference() -> None:
    assert is_rendered_from(POSTED, registered(replace(RENDERED, repos=RENDERED.repos[::-1])))


@pytest.mark.parametrize(
    "other",
    [
        None,
        replace(RENDERED, repos=RENDERED.repos[:1]),
        replace(RENDERED, repos=(RENDERED.repos[0], RepoEntry("2014.1-5.1", "http://other/"))),
        replace(RENDERED, puppet_modules_source="rsync://10.20.0.2:/puppet/other/modules/"),
    ],
    ids=["no data", "a repo less", "another place", "other modules"],
)
def test_other_data_belongs_to_another_release(other: OrchestratorData | None) -> None:
    assert not is_rendered_from(POSTED, registered(other))
