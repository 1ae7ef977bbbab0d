"""The entries of a chain that nodes may see."""

import pytest

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.apt_policy import AptPolicy
from fuel_upgrade.nodes.chain_content import RepoContent
from fuel_upgrade.nodes.resolve import Pin, apt_pins, resolve, yum_excludes
from fuel_upgrade.nodes.sources import NodeSource
from fuel_upgrade.repo.package import Package
from tests.builders import package


def repo(
    name: str,
    packages: list[Package],
    inherited: list[Package] | None = None,
    *,
    priority: int = 500,
) -> RepoContent:
    policy = AptPolicy(priority)
    source = NodeSource(name, f"http://m/{name}", "precise", ("main",), policy=policy)
    return RepoContent(source, tuple(packages), tuple(inherited or []))


def texts(packages: tuple[Package, ...]) -> list[str]:
    return [str(entry) for entry in packages]


SAME, GONE = package("same"), package("gone")
OLD, NEW = package("down", "2.0"), package("down", "1.5")
REBUILT = package("rebuilt", content="one"), package("rebuilt", content="two")
BASE = repo("base", [SAME, GONE, OLD, REBUILT[0]])
DIFF = repo("diff", [NEW, REBUILT[1]], [SAME])


def test_a_repo_shows_what_the_release_holds_and_hides_the_rest() -> None:
    newest, oldest = resolve([DIFF, BASE]).repos
    assert (texts(newest.shown), newest.hidden) == (["down all 1.5", "rebuilt all 1.0-1"], ())
    assert oldest.shown == (SAME,)
    assert oldest.hidden == (GONE, OLD, REBUILT[0])


def test_a_full_repo_alone_hides_nothing() -> None:
    resolution = resolve([BASE])
    assert list(resolution.hidden) == []
    assert (apt_pins(resolution), yum_excludes(resolution)) == ((), ((),))


def test_a_package_in_two_repos_is_shown_by_the_newer() -> None:
    newest, oldest = resolve([repo("again", [SAME]), repo("base", [SAME, SAME])]).repos
    assert (newest.shown, oldest.shown, oldest.hidden) == ((SAME,), (), (SAME, SAME))


def test_a_package_in_two_indexes_of_one_repo_is_shown() -> None:
    (only,) = resolve([repo("base", [SAME, SAME])]).repos
    assert (only.shown, only.hidden) == ((SAME,), ())


def test_a_release_that_no_repo_of_the_chain_completes_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"diff inherits packages .* same all") as caught:
        resolve([DIFF, repo("wrong", [package("same", content="other")])])
    assert "whole chain" in caught.value.remedy


def test_repos_without_a_common_checksum_are_refused() -> None:
    other = Package("same", "all", "1", 1, "same.deb", (("sha512", "0"),))
    with pytest.raises(ConfigError, match="no kind of checksum in common"):
        resolve([DIFF, repo("base", [other])])


def test_apt_pins_hide_versions_and_leave_rebuilds_to_the_order() -> None:
    assert apt_pins(resolve([DIFF, BASE])) == (
        Pin("down", "amd64", "2.0", 1),
        Pin("gone", "amd64", "1.0-1", -1),
    )


def test_apt_pins_are_per_architecture() -> None:
    both = [package("foo", arch="i386"), package("foo", arch="amd64")]
    resolution = resolve([repo("diff", [SAME], both[:1]), repo("base", both)])
    assert apt_pins(resolution) == (Pin("foo", "amd64", "1.0-1", -1),)


def test_a_release_that_is_not_automatic_raises_its_newest_version_over_hidden_ones() -> None:
    """A hidden version of priority 1 or less would no longer be kept by nodes that have it."""
    newest = repo("diff", [NEW, REBUILT[1]], [SAME], priority=1)
    oldest = repo("base", [SAME, GONE, OLD, REBUILT[0]], priority=1)
    assert apt_pins(resolve([newest, oldest])) == (
        Pin("down", "amd64", "1.5", 2),
        Pin("gone", "amd64", "1.0-1", -1),
    )


def test_a_hidden_version_that_is_older_needs_no_pin_below_a_release_that_is_not_automatic() -> (
    None
):
    chain = [repo("diff", [OLD], [SAME], priority=1), repo("base", [SAME, NEW], priority=1)]
    assert apt_pins(resolve(chain)) == ()


@pytest.mark.parametrize("priority", [100, 500])
def test_hidden_versions_are_below_a_release_with_automatic_upgrades(priority: int) -> None:
    newest = repo("diff", [NEW, REBUILT[1]], [SAME], priority=priority)
    oldest = repo("base", [SAME, GONE, OLD, REBUILT[0]], priority=priority)
    assert apt_pins(resolve([newest, oldest])) == apt_pins(resolve([DIFF, BASE]))


@pytest.mark.parametrize("priority", [1, 100])
def test_versions_in_a_base_of_another_priority_get_that_of_the_release(priority: int) -> None:
    base = repo("base", [SAME, GONE, OLD, REBUILT[0]], priority=priority)
    assert apt_pins(resolve([DIFF, base])) == (
        Pin("down", "amd64", "2.0", 1),
        Pin("gone", "amd64", "1.0-1", -1),
        Pin("rebuilt", "amd64", "1.0-1", 500),
        Pin("same", "amd64", "1.0-1", 500),
    )


def test_a_base_above_a_release_that_is_not_automatic_is_refused() -> None:
    newest = repo("diff", [NEW, REBUILT[1]], [SAME], priority=1)
    with pytest.raises(ConfigError, match=r"diff says NotAutomatic, that of base does not") as info:
        apt_pins(resolve([newest, BASE]))
    assert "repo view" in info.value.remedy
    other = repo("base", [GONE])
    assert apt_pins(resolve([repo("diff", [NEW], priority=1), other])) == (
        Pin("gone", "amd64", "1.0-1", -1),
    )


def test_apt_counts_all_as_the_native_architecture() -> None:
    before, after = package("foo", arch="all"), package("foo", arch="amd64", content="y")
    resolution = resolve([repo("diff", [after]), repo("base", [before])])
    assert apt_pins(resolution) == ()
    assert apt_pins(resolution, native="i386") == (Pin("foo", "i386", "1.0-1", -1),)


def test_a_version_twice_in_a_release_is_refused_unless_in_one_repo() -> None:
    one, two = package("foo", content="one"), package("foo", content="two")
    with pytest.raises(ConfigError, match=r"several files of one version.*foo all") as caught:
        apt_pins(resolve([repo("diff", [two], [one]), repo("base", [one])]))
    assert "repo view" in caught.value.remedy
    with pytest.raises(ConfigError, match="several files"):
        apt_pins(resolve([repo("diff", [SAME], [one, two]), repo("base", [one, two])]))
    assert apt_pins(resolve([repo("diff", [one, two]), repo("base", [one])])) == ()


def test_a_hidden_file_beside_the_releases_own_of_one_version_is_refused() -> None:
    one, two = package("foo", content="one"), package("foo", content="two")
    chain = [repo("diff", [SAME], [one]), repo("base", [one, two])]
    with pytest.raises(ConfigError, match="several files"):
        apt_pins(resolve(chain))
    with pytest.raises(ConfigError, match="several files"):
        yum_excludes(resolve(chain))


def test_a_newer_spelling_of_an_inherited_version_is_refused() -> None:
    """dpkg finds 1.0 and 1.00 equal: apt would take the first listed, not the release's."""
    short, long = package("foo", "1.0"), package("foo", "1.00")
    newest, oldest = repo("c", [SAME], [short]), repo("a", [short])
    with pytest.raises(ConfigError, match="several files"):
        apt_pins(resolve([newest, repo("b", [long], [short]), oldest]))
    assert apt_pins(resolve([newest, oldest, repo("0", [long])])) == (
        Pin("foo", "amd64", "1.00", 1),
    )


def test_more_than_ten_packages_are_counted() -> None:
    many = [package(f"p{number:02}") for number in range(12)]
    with pytest.raises(ConfigError, match=r"p09 all 1\.0-1 and 2 more"):
        resolve([repo("diff", [SAME], many), repo("base", [SAME])])


def test_yum_excludes_name_the_epoch_always() -> None:
    gone = package("gone", "1:2.0-3", arch="x86_64")
    resolution = resolve([DIFF, repo("base", [SAME, gone, REBUILT[0]])])
    assert yum_excludes(resolution) == ((), ("gone-1:2.0-3.x86_64", "rebuilt-0:1.0-1.all"))


def test_yum_refuses_one_name_shown_by_two_repos() -> None:
    one, two = package("foo", content="one"), package("foo", content="two")
    with pytest.raises(ConfigError, match="several files"):
        yum_excludes(resolve([repo("diff", [two], [one]), repo("base", [one])]))


@pytest.mark.parametrize(
    ("one", "other", "refused"),
    [
        (("1.0-1", "noarch"), ("1.0-1", "x86_64"), True),
        (("1.0-1", "x86_64"), ("1.00-1", "x86_64"), True),
        (("1.0-1", "i686"), ("1.0-1", "x86_64"), False),
        (("1.0-1", "noarch"), ("1.1-1", "x86_64"), False),
    ],
)
def test_yum_refuses_files_between_which_only_the_order_of_repos_decides(
    one: tuple[str, str], other: tuple[str, str], *, refused: bool
) -> None:
    first, second = (package("foo", version, arch=arch) for version, arch in (one, other))
    chain = [repo("diff", [first], [second]), repo("base", [second])]
    if not refused:
        assert yum_excludes(resolve(chain)) == ((), ())
        return
    with pytest.raises(ConfigError, match="several files"):
        yum_excludes(resolve(chain))
    assert yum_excludes(resolve([repo("diff", [first, second])])) == ((),)
