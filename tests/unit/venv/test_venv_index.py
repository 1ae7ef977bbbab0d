"""Changes of an index of venvs and their undo, for all indexes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.errors import BundleError
from fuel_upgrade.venv.venv_index import VenvEntry, VenvIndex, parse_index
from tests.builders import quickly
from tests.fake_venvs import fake_entry

SERVICES, TAGS, VERSIONS = ("api", "web"), ("1", "2"), ("2014.1-5.0", "2014.2-6.0")


def entries(contents: str) -> st.SearchStrategy[VenvEntry]:
    made = st.builds(
        fake_entry, st.sampled_from(SERVICES), st.sampled_from(TAGS), st.sampled_from(contents)
    )
    owners = st.sets(st.sampled_from(VERSIONS)).map(lambda names: tuple(sorted(names)))
    return st.builds(lambda entry, releases: replace(entry, releases=releases), made, owners)


def indexes(contents: str = "ab") -> st.SearchStrategy[VenvIndex]:
    return st.lists(entries(contents), max_size=4).map(VenvIndex().replaced)


@quickly
@given(indexes(), indexes())
def test_an_undo_restores_any_index(old: VenvIndex, new: VenvIndex) -> None:
    changes = old.changes_to(new)
    assert new.undone(changes) == old
    assert old.undone(changes) == old
    assert new.undone(changes).undone(changes) == old


@quickly
@given(indexes(), indexes(), indexes("xyz"))
def test_an_undo_leaves_later_publications_alone(
    old: VenvIndex, new: VenvIndex, later: VenvIndex
) -> None:
    """No later archive is one of this change: contents differ."""
    undone = new.replaced(later.entries).undone(old.changes_to(new))
    assert undone == old.replaced(later.entries)


@quickly
@given(indexes(), indexes(), st.sampled_from(VERSIONS))
def test_a_venv_goes_with_its_last_release_and_no_other_venv_does(
    old: VenvIndex, brought: VenvIndex, version: str
) -> None:
    added = old.with_release(version, brought.entries)
    assert {e.key for e in added.entries if version in e.releases} >= {
        e.key for e in brought.entries
    }
    left = added.without_releases({version})
    assert {e.key for e in added.entries} - {e.key for e in left.entries} == {
        e.key for e in added.entries if e.releases == (version,)
    }


@quickly
@given(indexes())
def test_an_index_is_read_as_it_was_written(index: VenvIndex) -> None:
    assert parse_index(index.to_text(), source="index.json") == index


@pytest.mark.parametrize(
    "name", ["service", "tag", "platform", "directory", "inputs", "tree", "releases"]
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    entry = fake_entry("api", "1", "a")
    wrong = replace(entry, **{name: ("../x",) if name == "releases" else "../x"})  # type: ignore[arg-type]
    with pytest.raises(BundleError, match=rf"index\.json: not an index of venvs: venvs\.0\.{name}"):
        parse_index(VenvIndex((wrong,)).to_text(), source="index.json")
