"""What must happen to an installed package."""

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


def change(there: Installed, found: Chain, known: str | None = None) -> Change:
    (item,) = plan_node([there], found, {there.key: known} if known else {}).items
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
    found = chain([package("p", new)], [], [package("p", old)])
    assert change(Installed("p", "all", installed), found) is expected


def test_what_the_release_inherits_is_unchanged() -> None:
    kept = package("p", "1.0")
    assert change(Installed("p", "all", "1.0"), chain([], [kept], [kept])) is Change.UNCHANGED


def test_a_rebuilt_one_is_installed_anew_unless_it_is_proved_to_be_the_releases() -> None:
    old, new = package("p", "1.0", "old"), package("p", "1.0", "new")
    found, there = chain([new], [], [old]), Installed("p", "all", "1.0")
    assert change(there, found) is Change.REINSTALL
    assert change(there, found, old.digest("sha256")) is Change.REINSTALL
    assert change(there, found, new.digest("sha256")) is Change.UNCHANGED


def test_what_is_proved_to_be_another_copy_is_installed_anew() -> None:
    kept = package("p", "1.0")
    found = chain([], [kept], [kept])
    assert change(Installed("p", "all", "1.0"), found, "0" * 64) is Change.REINSTALL


def test_removed_is_what_the_chain_had_and_foreign_what_it_never_had() -> None:
    found = chain([package("new")], [], [package("gone", "1.0")])
    assert change(Installed("gone", "all", "1.0"), found) is Change.REMOVED
    assert change(Installed("gone", "all", "7.0"), found) is Change.FOREIGN
    assert change(Installed("mine", "all", "1.0"), found) is Change.FOREIGN


def test_held_packages_are_left_alone() -> None:
    found = chain([package("p", "1.1")], [], [package("p", "1.0")])
    assert change(Installed("p", "all", "1.0", held=True), found) is Change.HELD
    assert change(Installed("p", "all", "1.1", held=True), found) is Change.UNCHANGED


def test_all_architectures_and_the_machines_own_take_turns_and_others_do_not() -> None:
    found = chain([package("p", "1.1", arch="amd64")], [], [package("p", "1.0", arch="all")])
    assert change(Installed("p", "all", "1.0"), found) is Change.UPGRADE
    assert change(Installed("p", "amd64", "1.0"), found) is Change.UPGRADE
    only = chain([package("p", "1.1", arch="amd64")], [], [])
    assert change(Installed("p", "i386", "1.0"), only) is Change.FOREIGN


def test_of_several_versions_in_the_release_the_highest_is_meant() -> None:
    found = chain([package("p", "1.2"), package("p", "1.10")], [], [])
    (item,) = plan_node([Installed("p", "all", "1.2")], found, {}).items
    assert item.target is not None
    assert (item.change, item.target.version) == (Change.UPGRADE, "1.10")


def test_of_several_installed_kernels_only_the_highest_moves() -> None:
    new = package("kernel", "3-1", arch="x86_64")
    there = [Installed("kernel", "x86_64", version) for version in ("1-1", "2-1")]
    plan = plan_node(there, chain([new], [], [], RepoKind.YUM), {})
    assert [i.change for i in plan.items] == [Change.FOREIGN, Change.UPGRADE]
    assert plan.counts()["upgrade"] == 1


def test_repos_without_a_common_checksum_are_refused() -> None:
    one = Package("p", "all", "1", 1, "p", (("sha1", "0"),))
    with pytest.raises(ConfigError, match="no kind of checksum in common"):
        chain([package("p")], [], [one])
