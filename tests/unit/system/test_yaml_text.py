"""YAML from outside: within bounds as safe_load makes it, beyond them refused at no cost."""

import json
import re
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.errors import BundleError
from fuel_upgrade.system.yaml_text import INDEX, Bounds, check_yaml, load_yaml
from tests.builders import quickly
from tests.tools import shared_dir

REFUSED = object()
SMALL = Bounds(chars=1000, depth=4, nodes=20)
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)
MERGED_LAUGHS = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 30)
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars.filter(lambda value: value not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


def load(text: str, bounds: Bounds = INDEX) -> Any:
    return load_yaml(text, source="f.yaml", bounds=bounds)


def refusal(text: str, bounds: Bounds = INDEX) -> str:
    with pytest.raises(BundleError) as caught:
        load(text, bounds)
    assert caught.value.what.startswith("f.yaml: malformed YAML: ")
    return caught.value.what.removeprefix("f.yaml: malformed YAML: ")


@quickly
@given(values, st.booleans())
def test_types_of_json_load_as_with_safe_load(value: Any, flow: bool) -> None:  # noqa: FBT001 - given
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
    assert load(text) == yaml.safe_load(text)


@quickly
@given(st.text("ab:-[]{}&*!<>|'\"#,? \n\t0.1~", max_size=60))
def test_any_text_is_loaded_alike_or_refused_with_its_place(text: str) -> None:
    loaded: object = REFUSED
    with suppress(BundleError):
        loaded = load(text)
    if loaded is REFUSED:
        assert re.match(r"line \d+, column \d+: \S", refusal(text))
    else:
        # the plain loader is stricter than libyaml, for example about tabs
        assert loaded == yaml.load(text, Loader=yaml.CSafeLoader)


@pytest.mark.parametrize("folder", ["openstack.yaml", "versions"])
def test_the_real_files_are_loaded_as_safe_load_does(folder: str) -> None:
    seen = 0
    for path in sorted((shared_dir() / "data" / folder).iterdir()):
        if path.name == "centos-5.0.yaml":
            continue  # names a package twice, see below
        text = path.read_text(encoding="utf-8")
        # 8.0 and 9.0 have !!pairs: tuples for Python, lists of two for JSON, as Nailgun posts them
        expected = json.loads(json.dumps(yaml.load(text, Loader=yaml.CSafeLoader)))
        assert load_yaml(text, source=str(path)) == expected
        seen += 1
    assert seen


def test_the_one_real_file_with_a_key_twice_is_refused_with_both_lines() -> None:
    text = (shared_dir() / "data/versions/centos-5.0.yaml").read_text(encoding="utf-8")
    what = refusal(text)
    assert what == "line 327, column 1: duplicate key 'kernel-firmware', first in line 326"


def test_merge_keys_and_aliases_work() -> None:
    text = "x: &x {a: 1, b: &b [1]}\ny: {<<: *x, b: *b, c: 3}\nz: {<<: [{a: 5}, *x]}\nq: *x\n"
    assert load(text) == yaml.safe_load(text)
    assert load(text)["z"] == {"a": 5, "b": [1]}


def test_a_key_that_is_merged_may_be_overridden() -> None:
    assert load("{<<: {a: 1, b: 2}, a: 3}") == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at: 2014-10-16", "2014-10-16"),
        ("at: 2014-10-16T22:29:11Z", "2014-10-16T22:29:11Z"),
        ("at: 2014-13-45", "2014-13-45"),
        ("at: !!pairs [a: 1, a: [2]]", [["a", 1], ["a", [2]]]),
        ("at: !!omap [a: 1]", [["a", 1]]),
        ("at: 0x1F", 31),
        ("at: !!str 5", "5"),
    ],
)
def test_other_types_become_those_that_nailgun_would_post(text: str, expected: object) -> None:
    assert load(text)["at"] == expected
    assert json.loads(json.dumps(expected)) == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: 1\nb: 2\na: 3", "line 3, column 1: duplicate key 'a', first in line 1"),
        ("1: a\n'1': b", "line 2, column 1: duplicate key '1', first in line 1"),
        ("x: {true: a, 'true': b}", "line 1, column 14: duplicate key 'true'"),
        ("{<<: {a: 1}, <<: {b: 1}}", "line 1, column 14: duplicate key '<<'"),
        ("? [a]\n: b", "line 1, column 3: a key must be a text or a number"),
        ("a: &a [1, *a]", "line 1, column 11: alias 'a' is inside its own anchor"),
        ("&a {b: {c: *a}}", "line 1, column 12: alias 'a' is inside"),
        ("a: *b", "line 1, column 4: "),
        ("a: .nan", "line 1, column 4: '.nan' is not a number of JSON"),
        ("a: -.inf", "line 1, column 4: '-.inf' is not a number of JSON"),
        ("a: 1.0e+999", "line 1, column 4: '1.0e+999' is not a number of JSON"),
        ("a: !!int b", "line 1, column 4: 'b' is not a number"),
        ("a: !!float ''", "line 1, column 4: '' is not a number"),
        ("a: !!bool b", "line 1, column 4: 'b' is not a boolean"),
        ("a: " + "1:" * 40 + "1", "line 1, column 4: a number of more than 64 characters"),
        ("a: !!binary aGk=", "line 1, column 4: 'binary' is not a type of JSON"),
        ("a: !!set {b}", "line 1, column 4: 'set' is not a type of JSON"),
        ("a: !mine b", "line 1, column 4: '!mine' is not a type of JSON"),
        ("!!python/object/apply:os.getcwd []", "line 1, column 1: 'python/object/apply:os.getc"),
        ("a: b: c", "line 1, column 5: "),
        ("é: a\nb\x07: c", "line 2, column 2: "),
        ("--- a\n--- b", "line 2, column 1: "),
        ("\ud800", ""),
    ],
)
def test_lossy_and_executable_yaml_is_refused_with_its_position(text: str, what: str) -> None:
    """A refusal of libyaml keeps its text; the position in the file is added."""
    assert refusal(text).startswith(what)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a" * 1001, "1001 characters, at most 1000 are read"),
        ("[[[[[]]]]]", "line 1, column 5: nested deeper than 4 levels"),
        ("- &a [[[]]]\n- [*a]", "line 2, column 4: nested deeper than 4 levels"),
        ("[" + "a, " * 20 + "]", "more than 20 values, with aliases written out"),
        ("- &a [1, 1, 1, 1, 1, 1]\n- *a\n- *a", "line 3, column 3: more than 20 values"),
    ],
)
def test_text_beyond_the_bounds_is_refused(text: str, what: str) -> None:
    assert what in refusal(text, SMALL)


def test_the_bounds_themselves_are_allowed() -> None:
    assert load("- &a [[1]]\n- [*a]", SMALL) == [[[1]], [[[1]]]]
    assert len(load("[" + "a, " * 19 + "]", SMALL)) == 19


def test_an_anchor_of_another_document_is_not_known() -> None:
    with pytest.raises(BundleError, match="deeper than 4"):
        check_yaml("--- &a [[[[]]]]\n--- [&a [], [[[[]]]]]", source="f", bounds=SMALL)
    check_yaml("--- &a [[[]]]\n--- [&a [], *a]", source="f", bounds=SMALL)


def test_a_bomb_is_refused_in_little_memory(tmp_path: Path) -> None:
    """In a process of its own: what is not refused in time ends the process.

    Brackets are counted by libyaml before it hands out the first event, and its own limit may
    come first, in its own words.
    """
    bombs = {
        "laughs": LAUGHS,
        "merged-laughs": MERGED_LAUGHS,
        "flow-lists": "[" * 200_000 + "]" * 200_000,
        "lists": "- " * 100_000,
        "maps": "{a: " * 100_000,
    }
    for name, text in bombs.items():
        (tmp_path / name).write_text(text)
    program = (
        "import sys; from pathlib import Path\n"
        "from fuel_upgrade.errors import BundleError\n"
        "from fuel_upgrade.system.yaml_text import load_yaml\n"
        "for name in sys.argv[1:]:\n"
        "    try: load_yaml(Path(name).read_text(), source=name)\n"
        "    except BundleError as error: print(error.what, flush=True)\n"
    )
    limit = 512 << 20

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-c", program, *bombs], cwd=tmp_path,
        capture_output=True, text=True, timeout=60, check=False, preexec_fn=bound,
    )  # fmt: skip
    refusal = re.compile(r"(\S+): malformed YAML: line \d+, column \d+: \S")
    refused = [match[1] for line in done.stdout.splitlines() if (match := refusal.match(line))]
    assert (done.returncode, refused) == (0, list(bombs)), done.stderr


def test_integers_as_keys_cannot_be_chosen_to_collide() -> None:
    """Python hashes integers by their remainder of 2**61 - 1."""
    text = "".join(f"{number * (2**61 - 1)}: 0\n" for number in range(1, 2000))
    with pytest.raises(BundleError, match="a key beyond"):
        load_yaml(text, source="")
    assert load_yaml(f"{2**53}: 0\n-{2**53}: 1", source="") == {2**53: 0, -(2**53): 1}
