"""Disabling the repos of a chain in other source files."""

import pytest

from fuel_upgrade.nodes.disable_repos import disable_repos

URLS = ("http://m:8080/base/x86_64", "file:///srv/base")


@pytest.mark.parametrize(
    "line",
    [
        "deb http://m:8080/base/x86_64 precise main\n",
        "deb [trusted=yes arch=amd64] http://M:8080/base/x86_64/ precise main\n",
        "deb-src  http://m:8080//base/x86_64 precise main\n",
        "deb file:/srv/base precise main",
    ],
)
def test_a_line_of_the_chain_is_commented_out(line: str) -> None:
    text = "# mine\n" + line
    assert disable_repos("etc/apt/sources.list", text, URLS) == (
        f"# mine\n# disabled by fuel-upgrade: {line}"
    )


@pytest.mark.parametrize(
    "line",
    ["deb http://m:8080/base precise main\n", "#deb http://m:8080/base/x86_64 p m\n", "\n", ""],
)
def test_other_lines_stay(line: str) -> None:
    assert disable_repos("etc/apt/sources.list", line, URLS) == line


def test_a_deb822_paragraph_is_switched_off() -> None:
    text = "Types: deb\nURIs: http://m:8080/base/x86_64\nEnabled: yes\nSuites: p\n\n# end\n"
    assert disable_repos("etc/apt/sources.list.d/a.sources", text, URLS) == (
        "Types: deb\nEnabled: no\nURIs: http://m:8080/base/x86_64\nSuites: p\n\n# end\n"
    )


def test_of_several_uris_only_the_chains_go() -> None:
    text = "Types: deb\nURIs: http://m:8080/base/x86_64\n http://other/\nSuites: p\n"
    assert disable_repos("a.sources", text, URLS) == "Types: deb\nURIs: http://other/\nSuites: p\n"


def test_a_yum_section_is_switched_off_and_its_neighbours_stay() -> None:
    text = "[a]\nbaseurl=http://m:8080/base/x86_64/\n\n[b]\nbaseurl=http://other/\nenabled=1\n"
    assert disable_repos("etc/yum.repos.d/x.repo", text, URLS) == (
        "[a]\nenabled=0\nbaseurl=http://m:8080/base/x86_64/\n\n"
        "[b]\nbaseurl=http://other/\nenabled=1\n"
    )
    once = "[a]\nenabled=1\nbaseurl=http://m:8080/base/x86_64/\n"
    assert "enabled=0" in disable_repos("x.repo", once, URLS)


@pytest.mark.parametrize("path", ["sources.list", "a.sources", "a.repo"])
def test_a_second_time_changes_nothing(path: str) -> None:
    text = "[a]\nURIs: file:/srv/base\nbaseurl=file:/srv/base\ndeb file:/srv/base p main\n"
    once = disable_repos(path, text, URLS)
    assert once != text
    assert disable_repos(path, once, URLS) == once
