"""The documentation is complete and parses without warnings."""

import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from docutils import nodes
from docutils.core import publish_doctree, publish_from_doctree
from docutils.utils import SystemMessage

from fuel_upgrade.cli.main import main
from fuel_upgrade.config import (
    Config,
    HookSettings,
    NailgunSettings,
    Paths,
    RecoverySettings,
    RegistrySettings,
    parse,
)
from fuel_upgrade.daemon.service import command

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "etc/fuel-upgrade/config.yaml"
PAGES = sorted([*ROOT.glob("[A-Z]*.rst"), *(ROOT / "docs").rglob("*.rst")])
MAN = {"fuel-upgrade": ROOT / "docs/man/fuel-upgrade.1.rst",
       "fuel-upgraded": ROOT / "docs/man/fuel-upgraded.8.rst"}  # fmt: skip
STRICT = {"report_level": 1, "halt_level": 1, "input_encoding": "utf-8"}  # a warning fails
#: A commented-out setting: "#name:" or, in a group, "#  name:". Prose has one space.
SETTING = re.compile(r"^#(?=(?:  )?[a-z_]+:)", re.MULTILINE)


def page_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def doctree(path: Path) -> nodes.document:
    text = path.read_text(encoding="utf-8")
    tree: nodes.document = publish_doctree(
        text, source_path=str(path), settings_overrides={**STRICT, "input_encoding": "unicode"}
    )
    return tree


def test_each_page_parses_without_warnings() -> None:
    warnings = {}
    for path in PAGES:
        try:
            doctree(path)
        except SystemMessage as error:  # it names the page and the line
            warnings[page_name(path)] = str(error)
    assert warnings == {}


def local_links(path: Path) -> Iterator[str]:
    for reference in doctree(path).findall(nodes.reference):
        link = reference.get("refuri", "")
        local = "" if "://" in link else link.partition("#")[0]
        if local:
            yield local


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page_name(path)}: {link}"
        for path in PAGES
        for link in local_links(path)
        if not (path.parent / link).exists()
    ]
    assert broken == [], "\n".join(broken)


@pytest.mark.parametrize("path", MAN.values(), ids=page_name)
def test_a_man_page_renders(path: Path) -> None:
    # The writer changes the tree that it is given, and other tests read it.
    text = publish_from_doctree(
        doctree(path).deepcopy(),
        writer="manpage",
        settings_overrides={**STRICT, "output_encoding": "unicode"},
    )
    assert text.count(".SH ") > 5


def commands(tree: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """Yield the words of each command, "" for the program itself, with its own options."""
    if isinstance(tree, click.Group):
        context = click.Context(tree)
        for name in tree.list_commands(context):
            child = tree.get_command(context, name)
            assert child is not None, name
            yield from commands(child, (*path, name))
    shown = [p for p in tree.params if isinstance(p, click.Option) and not p.hidden]
    options = {text for p in shown for text in p.opts}
    if options or not isinstance(tree, click.Group):
        yield " ".join(path), options


def documented(page: Path) -> dict[str, set[str]]:
    """Return the options that each section describes; "" is the section OPTIONS."""
    actual = {}
    for section in doctree(page).findall(nodes.section):
        title = section[0].astext()
        own = [child for child in section if isinstance(child, nodes.option_list)]
        strings = {s.astext() for part in own for s in part.findall(nodes.option_string)}
        actual["" if title == "OPTIONS" else title] = strings
    return actual


@pytest.mark.parametrize(("program", "tree"), [("fuel-upgrade", main), ("fuel-upgraded", command)])
def test_the_man_page_has_every_command_and_option(program: str, tree: click.Command) -> None:
    actual = documented(MAN[program])
    for words, options in commands(tree):
        assert words in actual, f"{program} {words}: no section of this name"
        assert actual[words] - {"-h", "--help"} == options, f"{program} {words}"


def test_the_man_page_has_no_command_that_is_gone() -> None:
    known = {words for words, _ in commands(main)}
    assert {title for title, options in documented(MAN["fuel-upgrade"]).items() if options} <= known


def uncommented() -> Any:
    return yaml.safe_load(SETTING.sub("", CONFIG.read_text(encoding="utf-8")))


def test_the_shipped_configuration_is_the_defaults() -> None:
    assert parse(CONFIG.read_text(encoding="utf-8")) == Config()


def test_the_shipped_configuration_shows_every_default() -> None:
    shown = uncommented()
    groups = {
        "recovery": RecoverySettings,
        "paths": Paths,
        "nailgun": NailgunSettings,
        "registry": RegistrySettings,
        "hooks": HookSettings,
    }
    assert list(shown) == [f.name for f in fields(Config)]
    for name, kind in groups.items():
        assert list(shown[name]) == [f.name for f in fields(kind)]
    assert parse(yaml.safe_dump(shown)) == Config()


def test_every_setting_is_explained() -> None:
    lines = CONFIG.read_text(encoding="utf-8").splitlines()
    bare = [
        line
        for before, line in pairwise(lines)
        if SETTING.match(line) and SETTING.match(before) and not before.endswith(":")
    ]
    assert [line.split(":")[0] for line in bare] == ["#  project_domain"]  # one sentence for both


def test_the_index_links_every_page() -> None:
    index = (ROOT / "docs/index.rst").read_text(encoding="utf-8")
    pages = [p for p in PAGES if p.parent == ROOT / "docs" and p.name != "index.rst"]
    folders = [ROOT / "docs/adr", ROOT / "docs/man"]
    expected = [p.name for p in pages] + [
        f"{f.name}/{p.name}" for f in folders for p in f.iterdir()
    ]
    assert [name for name in expected if f"<{name}>" not in index] == []


@pytest.mark.parametrize("page", ["failures.rst", "hostile.rst", "venvs.rst"])
def test_every_failure_has_tests_that_are_there(page: str) -> None:
    *_, table = doctree(ROOT / "docs" / page).findall(nodes.tbody)
    rows = [row[-1] for row in table.findall(nodes.row)]
    named = [[text.astext() for text in cell.findall(nodes.literal)] for cell in rows]
    assert all(named)
    missing = [
        name
        for path, _, name in (text.partition("::") for cell in named for text in cell)
        if f"\ndef {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []
