"""Each command that takes n of something has a growth test, by name."""

import re
from collections.abc import Mapping
from pathlib import Path

from fuel_upgrade.cli.main import main
from tests.unit.cli.test_json_page import commands

FOLDER = Path(__file__).parents[2] / "integration"
FILES, RELEASES = "test_files_of_one_release", "test_releases_of_one_tarball"
REPOS = "test_diff_proof_report_and_view"
MASTER = "test_installs_in_the_history_and_releases"
BASES = "test_the_bases_within_a_tarball"
NODES = "test_sources_and_plans_of_a_node"
EXPORT = "test_the_rows_of_an_export_and_its_import"
VENV_FILES, VENV_TAGS = "test_the_files_of_a_venv", "test_the_tags_of_a_repo"
TESTS: Mapping[str, tuple[str, ...]] = {
    "bundle build": (FILES, RELEASES),
    "bundle inspect": (FILES, RELEASES),
    "bundle report": (FILES, RELEASES),
    "doctor": (MASTER,),
    "gc": (MASTER, "test_the_reasons_to_keep_the_releases_of_a_chain"),
    "history": (MASTER,),
    "install": (FILES, RELEASES, MASTER, "test_the_order_of_several_tarballs"),
    "node apply": (NODES,),
    "node plan": (NODES,),
    "node sources": (NODES,),
    "plan": (FILES, RELEASES, MASTER, "test_the_releases_of_a_tarball", BASES),
    "recover": (MASTER,),
    "registry export": (EXPORT,),
    "registry import": (EXPORT,),
    "registry serve": ("test_the_statements_of_lists_do_not_depend_on_the_rows",),
    "releases": (MASTER,),
    "releases delete": (MASTER,),
    "releases diff": ("test_the_releases_of_two_files_in_pairs",),
    "releases list": (MASTER,),
    "releases show": (MASTER,),
    "repo diff": (REPOS,),
    "repo prove": (REPOS,),
    "repo report": (REPOS,),
    "repo squash": (REPOS,),
    "repo view": (REPOS,),
    "rollback": (FILES, RELEASES, MASTER),
    "show": (MASTER,),
    "squash": (MASTER, REPOS),
    "status": (MASTER,),
    "venv build": (
        "test_the_services_and_packages_of_a_build",
        VENV_FILES,
        "test_the_layout_of_tags",
    ),
    "venv deploy": (VENV_FILES,),
    "venv diff": (VENV_TAGS,),
    "venv gc": (VENV_TAGS,),
    "venv list": (VENV_TAGS,),
    "venv show": (VENV_TAGS,),
    "venv verify": (VENV_FILES,),
}
ONE_OF_EACH = {
    "cancel",
    "config check",
    "config reload",
    "nailgun check",
    "nailgun login",
    "selftest",
    "venv deployer",
    "venv rollback",
    "watch",
}
"""They take one of everything, such as one running job."""
PARTS = {
    "bundle answer": "one reading; at most 32,768 blocks",
    "bundle join": "one reading of each volume; at most 32,768 blocks",
    "bundle split": "two readings; at most 32,768 blocks",
    "bundle diff": "two heads as of bundle inspect, joined by path",
    "bundle iso": "two readings of one file; xorriso writes it",
    "bundle spec": "it lists names of files",
    "bundle repair": "it is repo diff, and bundle build after an unpacking",
    "registry migrate": "a statement of SQL for each revision",
    "registry user add": "one row",
    "registry user list": "one statement",
    "registry user remove": "one row",
    "repair": "the same undo as rollback",
}
"""The work that depends on n is that of others."""


def test_every_command_is_listed() -> None:
    listed = [*TESTS, *ONE_OF_EACH, *PARTS]
    assert sorted(listed) == sorted(commands(main))


def test_every_growth_test_exists_and_is_listed() -> None:
    texts = (path.read_text() for path in FOLDER.glob("test_growth_*.py"))
    present = {name for text in texts for name in re.findall(r"^def (test_\w+)", text, re.M)}
    named = {test for tests in TESTS.values() for test in tests}
    assert named == present
