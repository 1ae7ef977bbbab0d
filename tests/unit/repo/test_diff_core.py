"""The diff: by checksum, whatever the versions say and in whatever order the indexes come."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.description import DiffDescription
from fuel_upgrade.repo.diff import RepoDiff, diff, total_bytes
from fuel_upgrade.repo.package import Package, RepoKind, by_identity, common_algorithm, fingerprint
from fuel_upgrade.repo.version import compare_deb
from tests.builders import package, quickly

GROUPS = ("added", "upgraded", "rebuilt", "downgraded", "removed")


def compared(base: Sequence[Package], current: Sequence[Package]) -> RepoDiff:
    return diff(base, current, algorithm="sha256", compare=compare_deb)


def groups(base: Sequence[Package], current: Sequence[Package]) -> dict[str, list[str]]:
    """Return the groups that are not empty, packages as ``name version``."""
    changes = compared(base, current)
    texts = {name: [f"{p.name} {p.version}" for p in getattr(changes, name)] for name in GROUPS}
    texts["inherited"] = [f"{i.split()[0]} {i.split()[2]}" for i in changes.inherited]
    return {name: packages for name, packages in texts.items() if packages}


def test_a_new_name_is_added() -> None:
    assert groups([], [package("a")]) == {"added": ["a 1.0-1"]}


def test_a_new_architecture_is_added() -> None:
    base, current = [package("a", arch="i386")], [package("a", arch="amd64")]
    assert groups(base, current) == {"added": ["a 1.0-1"], "removed": ["a 1.0-1"]}


def test_a_higher_version_is_an_upgrade() -> None:
    assert groups([package("a", "9")], [package("a", "10")]) == {"upgraded": ["a 10"]}


def test_a_higher_version_of_the_same_content_is_an_upgrade() -> None:
    assert groups([package("a", "1")], [package("a", "2")]) == {"upgraded": ["a 2"]}


def test_the_same_version_with_other_content_is_rebuilt() -> None:
    base, current = [package("a", content="x")], [package("a", content="y")]
    assert groups(base, current) == {"rebuilt": ["a 1.0-1"]}


def test_a_lower_version_is_a_downgrade() -> None:
    assert groups([package("a", "10")], [package("a", "9")]) == {"downgraded": ["a 9"]}


def test_the_same_checksum_is_inherited() -> None:
    assert groups([package("a")], [package("a")]) == {"inherited": ["a 1.0-1"]}


def test_a_missing_name_counts_as_removed() -> None:
    assert groups([package("a")], []) == {"removed": ["a 1.0-1"]}


def test_two_empty_repos_differ_in_nothing() -> None:
    assert groups([], []) == {}


def test_an_older_version_of_a_kept_name_is_not_removed() -> None:
    base = [package("a", "1"), package("a", "2")]
    assert groups(base, [package("a", "2")]) == {"inherited": ["a 2"]}


def test_an_additional_older_version_counts_as_added() -> None:
    base = [package("a", "3")]
    current = [package("a", "3"), package("a", "2"), package("a", "4")]
    assert groups(base, current) == {
        "added": ["a 2"],
        "upgraded": ["a 4"],
        "inherited": ["a 3"],
    }


def test_one_of_two_versions_may_be_rebuilt() -> None:
    base = [package("a", "1"), package("a", "2")]
    current = [package("a", "1", "other"), package("a", "2")]
    assert groups(base, current) == {"rebuilt": ["a 1"], "inherited": ["a 2"]}


def test_the_newest_of_several_versions_decides_about_a_downgrade() -> None:
    base = [package("a", "1"), package("a", "5")]
    assert groups(base, [package("a", "3")]) == {"downgraded": ["a 3"]}


def test_a_package_in_two_indexes_counts_once() -> None:
    assert groups([], [package("a"), package("a")]) == {"added": ["a 1.0-1"]}
    assert len(by_identity([package("a"), package("a")], "sha256")) == 1


def test_sizes_count_each_file_once() -> None:
    one, other = package("a", content="xx"), package("b", content="yyy")
    assert total_bytes([one, one], [other, one]) == 5
    assert total_bytes() == 0


def test_a_missing_checksum_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        diff([package("a")], [package("a")], algorithm="sha1", compare=compare_deb)


packages = st.lists(
    st.builds(
        package,
        name=st.sampled_from(["a", "b"]),
        version=st.sampled_from(["1", "2", "3~"]),
        content=st.sampled_from(["x", "y", "zz"]),
        arch=st.sampled_from(["all", "amd64"]),
    ),
    max_size=6,
)


def identities(packages: Sequence[Package]) -> set[str]:
    return {p.identity("sha256") for p in packages}


@quickly
@given(packages, packages)
def test_base_and_carried_together_hold_all_of_the_current_repo(
    base: list[Package], current: list[Package]
) -> None:
    changes = compared(base, current)
    kept = identities(base) - identities(changes.removed)
    assert kept | identities(changes.carried) >= identities(current)
    assert set(changes.inherited) <= identities(base)
    assert identities(changes.carried).isdisjoint(identities(base))
    assert identities(changes.carried) | set(changes.inherited) == identities(current)
    assert len(changes.carried) + len(changes.inherited) == len(identities(current))
    names = {(p.name, p.architecture) for p in current}
    assert {p for p in base if (p.name, p.architecture) not in names} == {*changes.removed}


@quickly
@given(packages, packages, st.randoms(use_true_random=False))
def test_the_order_of_the_indexes_changes_nothing(base, current, random) -> None:  # type: ignore[no-untyped-def]
    mixed = [list(base), list(current)]
    for items in mixed:
        random.shuffle(items)
    assert compared(*mixed) == compared(base, current)


@quickly
@given(packages, packages)
def test_fingerprints_are_equal_where_and_only_where_contents_are(
    one: list[Package], other: list[Package]
) -> None:
    same = identities(one) == identities(other)
    assert (fingerprint(one, "sha256") == fingerprint(other, "sha256")) == same


@quickly
@given(packages, packages)
def test_a_description_is_read_as_it_was_written(
    base: list[Package], current: list[Package]
) -> None:
    description = DiffDescription.of(compared(base, current), RepoKind.APT)
    assert DiffDescription.parse(description.render(), source="diff.yaml") == description
    assert sum(description.counts[name] for name in GROUPS[:4]) == description.counts["carried"]


def test_a_fingerprint_names_its_own_algorithm() -> None:
    assert fingerprint([package("a")], "md5") != fingerprint([package("a")], "sha256")
    assert fingerprint([], "md5").startswith("sha256:")


def with_digests(*kinds: str) -> Package:
    return Package("a", "all", "1", 1, "a.deb", tuple((kind, "0" * 8) for kind in kinds))


@pytest.mark.parametrize(
    ("base", "current", "expected"),
    [
        ([["sha256", "md5"]], [["md5", "sha256"]], "sha256"),
        ([["sha512", "sha256"]], [["sha512", "sha256"]], "sha256"),
        ([["md5"]], [["sha256", "md5"]], "md5"),
        ([["sha1", "md5"]], [["sha1", "md5"]], "sha1"),
        ([["md5"]], [["sha256"]], None),
        ([["sha256"], ["md5"]], [["sha256", "md5"]], None),
        ([["sha256"], []], [["sha256"]], None),
        ([], [["md5"]], "md5"),
        ([], [], "sha256"),
    ],
)
def test_the_best_checksum_that_all_have_is_chosen(
    base: list[list[str]], current: list[list[str]], expected: str | None
) -> None:
    sides = [[with_digests(*kinds) for kinds in side] for side in (base, current)]
    assert common_algorithm(*sides) == expected


WITHOUT_CHECKSUM = DiffDescription.of(compared([], []), RepoKind.APT).render() + "  a all 1\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not a description"),
        ("[1]", "not a description"),
        ("format: 2", "format 2, expected 1"),
        ("format: 1", "not a description"),
        ("{", "malformed YAML: line 2, column 1"),
        ("format: 1\nkind: cargo\n", "not a description"),
        (WITHOUT_CHECKSUM, "not a description"),
        ("format: 1\nat: 2014-13-45\n", "not a description"),
    ],
)
def test_a_malformed_description_is_refused(text: str, what: str) -> None:
    with pytest.raises(BundleError, match=f"d.yaml: {what}"):
        DiffDescription.parse(text, source="d.yaml")
