"""Differences of two JSON trees are few, named by path, and put together make one the other."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.release.json_diff import Difference, Kind, diff_trees
from tests.builders import quickly

trees = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "x", "a.b"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def diff(before: Any, after: Any) -> list[tuple[str, str, Any, Any]]:
    return [(d.kind.value, d.path, d.before, d.after) for d in diff_trees(before, after)]


@quickly
@given(trees)
def test_a_tree_does_not_differ_from_itself(tree: Any) -> None:
    assert diff(tree, tree) == []


@quickly
@given(trees, trees)
def test_trees_that_are_not_the_same_differ_and_backwards_alike(one: Any, other: Any) -> None:
    forward, back = diff(one, other), diff(other, one)
    assert bool(forward) == (json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True))
    swapped = {"added": "removed", "removed": "added"}
    assert sorted(repr((swapped.get(k, k), p, a, b)) for k, p, b, a in forward) == sorted(
        map(repr, back)
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 2}, [("changed", "a", 1, 2)]),
        ({"a": 1}, {"a": True}, [("changed", "a", 1, True)]),
        ({"a": {}}, {"a": []}, [("changed", "a", {}, [])]),
        ({"a": {"b-c": 1}}, {"a": {}}, [("removed", "a.b-c", 1, None)]),
        ({}, {"a": {"b": None}}, [("added", "a", None, {"b": None})]),
        ({"a": {"b.c": 1}}, {"a": {"b.c": 2}}, [("changed", 'a["b.c"]', 1, 2)]),
        ({"roles": ["a", "b"]}, {"roles": ["b"]}, [("removed", 'roles["a"]', "a", None)]),
        ({"r": [1, 2]}, {"r": [2, 1]}, [("reordered", "r", ["1", "2"], ["2", "1"])]),
        ([[1], [2]], [[1], [3]],
         [("removed", "[1][2]", 2, None), ("added", "[1][3]", None, 3)]),
        (["a", "a"], ["a"], [("removed", "[1]", "a", None)]),
        (1, "1", [("changed", "", 1, "1")]),
    ],
)  # fmt: skip
def test_a_difference_is_named_by_its_path(
    before: Any, after: Any, expected: list[tuple[str, str, Any, Any]]
) -> None:
    assert diff(before, after) == expected


def test_named_entries_are_compared_by_name_and_then_by_order() -> None:
    ubuntu = {"name": "ubuntu", "uri": "http://u", "priority": None}
    mos = {"name": "mos", "uri": "http://m", "priority": 1050}
    before = {"repos": [ubuntu, mos]}
    after = {"repos": [{"name": "new", "uri": "http://n"}, {**mos, "priority": 1100}, ubuntu]}
    assert diff(before, after) == [
        ("changed", 'repos[name="mos"].priority', 1050, 1100),
        ("added", 'repos[name="new"]', None, after["repos"][0]),
        ("reordered", "repos", ['name="ubuntu"', 'name="mos"'], ['name="mos"', 'name="ubuntu"']),
    ]


def test_a_difference_is_printed_with_both_sides() -> None:
    assert Difference(Kind.ADDED, "a", after=1).to_json() == {
        "kind": "added", "path": "a", "before": None, "after": 1,
    }  # fmt: skip
