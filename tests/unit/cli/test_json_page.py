"""docs/json.rst describes the output of each command with --json."""

from pathlib import Path

import click
from docutils import nodes
from docutils.core import publish_doctree

from fuel_upgrade.cli.group import LazyGroup
from fuel_upgrade.cli.main import main

PAGE = Path(__file__).parents[3] / "docs/json.rst"


def documented() -> dict[str, set[str]]:
    """Return the words in literals of each command's row, by command."""
    (body,) = publish_doctree(PAGE.read_text(encoding="utf-8")).findall(nodes.tbody)
    rows = [list(row.findall(nodes.entry)) for row in body.findall(nodes.row)]
    return {
        name.astext(): {text.astext() for text in keys.findall(nodes.literal)}
        for name, keys in rows
    }


def commands(group: LazyGroup, words: tuple[str, ...] = ()) -> set[str]:
    context = click.Context(group)
    names: set[str] = {" ".join(words)} if group.invoke_without_command else set()
    for name in group.list_commands(context):
        child = group.get_command(context, name)
        if isinstance(child, LazyGroup):
            names |= commands(child, (*words, name))
        else:
            names.add(" ".join((*words, name)))
    return names


def test_every_command_is_on_the_page_and_none_that_is_gone() -> None:
    assert set(documented()) == commands(main)
