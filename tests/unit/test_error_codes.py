"""Error codes are an interface of their own: documented, kebab-case, and of one family each."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from docutils import nodes
from docutils.core import publish_doctree

from fuel_upgrade.errors import UpgradeError

ROOT = Path(__file__).parents[2]
OF_CODES = re.compile(r"class \w+Error\b|\bcode\s*=|\bdefault_code\b")
KEBAB = re.compile(r"[a-z]+(-[a-z]+)*")


@cache
def nodes_of_source() -> tuple[ast.ClassDef | ast.Call, ...]:
    """Return the classes, and calls of a plain name, of files that define errors or give codes."""
    texts = (path.read_text() for path in (ROOT / "fuel_upgrade").rglob("*.py"))
    trees = (ast.parse(text) for text in texts if OF_CODES.search(text))
    return tuple(
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    )


def exit_codes() -> dict[str, int]:
    """Return the exit code of each class of errors, by the classes that it is made from."""
    classes = {
        node.name: node
        for node in nodes_of_source()
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
    }

    def code_of(name: str) -> int | None:
        if name == UpgradeError.__name__:
            return UpgradeError.exit_code
        node = classes.get(name)
        if node is None:
            return None
        own = dict(assigned(node)).get("exit_code")
        bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
        inherited = next((code for code in map(code_of, bases) if code is not None), None)
        return own if isinstance(own, int) and inherited is not None else inherited

    return {name: code for name in classes if (code := code_of(name)) is not None}


def assigned(node: ast.ClassDef) -> Iterator[tuple[str, object]]:
    for child in node.body:
        target = child.targets[0] if isinstance(child, ast.Assign) else None
        target = child.target if isinstance(child, ast.AnnAssign) else target
        value = getattr(child, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
            yield target.id, value.value


def used() -> Iterator[tuple[str, int]]:
    """Give every code in the source, with the exit code of its class."""
    families = exit_codes()
    for node in nodes_of_source():
        if isinstance(node, ast.ClassDef) and node.name in families:
            if isinstance(code := dict(assigned(node)).get("default_code"), str):
                yield code, families[node.name]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            codes = [k.value for k in node.keywords if k.arg == "code"]
            for value in codes if node.func.id in families else ():
                assert isinstance(value, ast.Constant), f"line {value.lineno}: no literal"
                yield str(value.value), families[node.func.id]


@cache
def documented() -> list[tuple[str, int]]:
    """Return the rows of the table of docs/api.rst, whose first column is a code."""
    text = (ROOT / "docs/api.rst").read_text(encoding="utf-8")
    for table in publish_doctree(text).findall(nodes.table):
        (head,) = table.findall(nodes.thead)
        if [e.astext() for e in head.findall(nodes.entry)][:2] == ["code", "exit"]:
            (body,) = table.findall(nodes.tbody)
            rows = [[e.astext() for e in row.findall(nodes.entry)] for row in body]
            return [(row[0], int(row[1])) for row in rows]
    raise AssertionError("docs/api.rst has no table of codes")


def test_every_code_is_documented_with_its_exit_code_and_none_is_gone() -> None:
    assert sorted(set(used())) == sorted(documented())


def test_a_code_belongs_to_one_exit_code_only() -> None:
    codes = [code for code, _ in documented()]
    assert len(codes) == len(set(codes))


def test_codes_are_kebab_case() -> None:
    assert [code for code, _ in used() if not KEBAB.fullmatch(code)] == []
