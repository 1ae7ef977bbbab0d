"""Yum metadata beside primary that is missing, not in step or malformed, with the real dnf."""

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from demo.nodes import DnfNode
from demo.packages import Recipe, make_yum_repo
from fuel_upgrade.errors import CommandError
from fuel_upgrade.repo.build import build_diff
from tests.tools import needs
from tests.yum_extras import advisory, comps, rewrite, stream, updates

pytestmark = needs("dnf", "rpm", "rpmbuild", "createrepo_c")

BASE = (Recipe("tool", "1.0-1", "tool"), Recipe("web", "1.0-1", "web 1"))
CURRENT = (
    Recipe("tool", "1.0-1", "tool"),
    Recipe("web", "2.0-1", "web 2"),
    Recipe("db", "1.0-1", "db", depends=("/usr/share/web/content",)),
    Recipe("all", "1.0-1", "all", depends=("tool", "web")),
)
EXTRAS = {
    "group": comps({"core": ["web"]}),
    "modules": stream("more", "1", "more-0:1.0-1.noarch"),
    "updateinfo": updates(advisory("NEW", "web-2.0-1")),
}
Edits = Mapping[str, Callable[[str], str]]


def without(text: str, name: str) -> str:
    return re.sub(rf'<package [^>]*name="{name}".*?</package>\n', "", text, flags=re.S)


def reversed_entries(text: str) -> str:
    entries = re.findall(r"<package .*?</package>\n", text, re.S)
    return text.replace("".join(entries), "".join(reversed(entries)))


def cut(text: str) -> str:
    return text[: len(text) * 2 // 3]


def control(text: str) -> str:
    return re.sub(r'(name="tool".*?/>\n)', "\\1<file>/a\x1bb</file>", text, flags=re.S)


CASES: dict[str, tuple[Edits, str]] = {
    "complete": ({}, ""),
    "no filelists": ({}, "filelists"),
    "no other": ({}, "other"),
    "filelists in another order": ({"filelists": reversed_entries}, ""),
    "other in another order": ({"other": reversed_entries}, ""),
    "filelists without one package": ({"filelists": lambda t: without(t, "web")}, ""),
    "other without all": ({"other": lambda t: without(without(t, "web"), "db")}, ""),
    "filelists cut short": ({"filelists": cut}, ""),
    "filelists with a control character": ({"filelists": control}, ""),
    "other with a control character": ({"other": control}, ""),
    "groups with a control character": ({"group": lambda t: t.replace("core", "c\x1b")}, ""),
    "advisories with a control character": ({"updateinfo": lambda t: t.replace("NEW", "\x1b")}, ""),
    "a module that is none": ({"modules": lambda t: t + "---\ndocument: modulemd\n...\n"}, ""),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repos")
    make_yum_repo(root / "base", BASE)
    make_yum_repo(root / "current", CURRENT)
    return root


@pytest.mark.parametrize("case", CASES)
def test_a_chain_is_to_dnf_what_the_current_repo_is(place: Path, tmp_path: Path, case: str) -> None:
    current = shutil.copytree(place / "current", tmp_path / "current")
    edits, dropped = CASES[case]
    rewrite(current, EXTRAS, edits=edits, without=dropped)
    build_diff(place / "base", current, tmp_path / "diff")
    chain = answers(tmp_path / "chain", tmp_path / "diff", place / "base")
    assert chain == answers(tmp_path / "alone", current)
    assert "web-2.0-1" in chain[0]


def answers(folder: Path, *repos: Path) -> tuple[str, ...]:
    """Return the carried packages with their files, and the results of installations.

    Files of inherited packages are in the base's own filelists, whatever the current repo has.
    """
    node = DnfNode(folder)
    sections = (f"[{r.name}]\nname={r.name}\nbaseurl=file://{r}\ngpgcheck=0\n" for r in repos)
    node.apply({"etc/yum.repos.d/plain.repo": "\n".join(sections)})
    form = "%{name}-%{version}-%{release} %{files} %{sourcerpm}"
    query = ("-q", "repoquery", "--latest-limit", "1", "--queryformat", form, "web", "db", "all")
    installed = (outcome(node, name) for name in ("all", "db"))
    return node._dnf(*query), *installed


def outcome(node: DnfNode, name: str) -> str:
    try:
        node.install([name])
    except CommandError as error:
        return re.sub(r".*Problem", "Problem", error.what, flags=re.S)
    return str(sorted(node.installed().items()))
