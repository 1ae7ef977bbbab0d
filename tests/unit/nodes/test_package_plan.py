"""The planned change of an installed package."""

from collections.abc import Sequence

import pytest

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.chain_content import RepoContent
from fuel_upgrade.nodes.installed_packages import Installed
from fuel_upgrade.nodes.package_plan import Chain, Change, plan_node
from fuel_upgrade.nodes.sources import NodeSource
from fuel_upgrade.repo.package import Package, RepoKind
from tests.builders import package

DIFF = NodeSource("diff", "http://h/diff", "precise", ("main",))
BASE = NodeSource("base", "http://h/base", "precise", ("main",))


def chain(
    carried: Sequence[Package],
    inherited: Sequence[Package],
    base: Sequence[Package],
    kind: RepoKind = RepoKind.APT,
) -> Chain:
    diff = RepoContent(DIFF, tuple(carried), tuple(inherited))
    return Chain([diff, RepoContent(BASE, tuple(base))], kind)


def change(old_package: Installed, repos: Chain, known: str | None = None) -> Change:
    (item,) = plan_node([old_package], repos, {old_package.key: known} if known else {}).items
    return item.change


@pytest.mark.parametrize(
    ("installed", "new", "old", "expected"),
    [
        ("1.0", "1.1", "1.0", Change.UPGRADE),
        ("1.0~rc1", "1.0", "1.0~rc1", Change.UPGRADE),
        ("2.0", "1.5", "2.0", Change.DOWNGRADE),
        ("1:1.0", "2.0", "1:1.0", Change.DOWNGRADE),
        ("9.0", "1.5", "2.0", Change.FOREIGN),  # not of the chain, and higher
        ("0.5", "1.5", "2.0", Change.UPGRADE),  # not of the chain, and lower
        ("0:1.0", "1.0", "0.9", Change.REINSTALL),  # one version, written in two ways
    ],
)
def test_versions_decide_where_they_differ(
    installed: str, new: str, old: str, expected: Change
) -> None:
    repos = chain([package("p", new)], [], [package("p", old)])
    assert change(Installed("p", "all", installed), repos) is expected


def test_inherited_packages_are_unchanged() -> None:
    kept = package("p", "1.0")
    assert change(Installed("p", "all", "1.0"), chain([], [kept], [kept])) is Change.UNCHANGED


def test_a_rebuilt_package_is_reinstalled_unless_it_is_proved() -> None:
    old, new = package("p", "1.0", "old"), package("p", "1.0", "new")
    repos, old_package = chain([new], [], [old]), Installed("p", "all", "1.0")
    assert change(old_package, repos) is Change.REINSTALL
    assert change(old_package, repos, old.digest("sha256")) is Change.REINSTALL
    assert change(old_package, repos, new.digest("sha256")) is Change.UNCHANGED


def test_a_proved_other_copy_is_reinstalled() -> None:
    kept = package("p", "1.0")
    repos = chain([], [kept], [kept])
    assert change(Installed("p", "all", "1.0"), repos, "0" * 64) is Change.REINSTALL


def test_packages_of_the_chain_are_removed_and_others_foreign() -> None:
    repos = chain([package("new")], [], [package("gone", "1.0")])
    assert change(Installed("gone", "all", "1.0"), repos) is Change.REMOVED
    assert change(Installed("gone", "all", "7.0"), repos) is Change.FOREIGN
    assert change(Installed("mine", "all", "1.0"), repos) is Change.FOREIGN


def test_held_packages_are_left_alone() -> None:
    repos = chain([package("p", "1.1")], [], [package("p", "1.0")])
    assert change(Installed("p", "all", "1.0", held=True), repos) is Change.HELD
    assert change(Installed("p", "all", "1.1", held=True), repos) is Change.UNCHANGED


def test_all_architectures_and_the_machines_own_take_turns_and_others_do_not() -> None:
    repos = chain([package("p", "1.1", arch="amd64")], [], [package("p", "1.0", arch="all")])
    assert change(Installed("p", "all", "1.0"), repos) is Change.UPGRADE
    assert change(Installed("p", "amd64", "1.0"), repos) is Change.UPGRADE
    only = chain([package("p", "1.1", arch="amd64")], [], [])
    assert change(Installed("p", "i386", "1.0"), only) is Change.FOREIGN


def test_of_several_versions_in_the_release_the_highest_is_meant() -> None:
    repos = chain([package("p", "1.2"), package("p", "1.10")], [], [])
    (item,) = plan_node([Installed("p", "all", "1.2")], repos, {}).items
    assert item.target is not None
    assert (item.change, item.target.version) == (Change.UPGRADE, "1.10")


def test_of_several_installed_kernels_only_the_highest_moves() -> None:
    new = package("kernel", "3-1", arch="x86_64")
    old_package = [Installed("kernel", "x86_64", version) for version in ("1-1", "2-1")]
    plan = plan_node(old_package, chain([new], [], [], RepoKind.YUM), {})
    assert [i.change for i in plan.items] == [Change.FOREIGN, Change.UPGRADE]
    assert plan.counts()["upgrade"] == 1


def test_repos_without_a_common_checksum_are_refused() -> None:
    one = Package("p", "all", "1", 1, "p", (("sha1", "0"),))
    with pytest.raises(ConfigError, match="no kind of checksum in common"):
        chain([package("p")], [], [one])
