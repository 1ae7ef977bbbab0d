"""The text of exact sources."""

from dataclasses import replace

import pytest

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.chain_content import RepoContent
from fuel_upgrade.nodes.exact_sources import SourceStyle, render_exact
from fuel_upgrade.nodes.sources import NodeSource
from tests.builders import package

KEEP, GONE = package("keep"), package("gone", "1:2.0-1")
PREFERENCES = (
    "# Written by fuel-upgrade.\n\nPackage: gone:amd64\nPin: version 1:2.0-1\nPin-Priority: -1\n"
)


def chain(kind: str = "apt", *, signed: bool = False) -> list[RepoContent]:
    suite, components = ("precise", ("main", "extra")) if kind == "apt" else (None, ())
    newest = NodeSource("6.0", "http://m/6.0", suite, components, signed=signed)
    oldest = NodeSource("5.1", "http://m/5.1", suite, components)
    new = package("new")
    return [RepoContent(newest, (new,), (KEEP,)), RepoContent(oldest, (KEEP, GONE))]


def test_one_line_lists_are_these() -> None:
    assert render_exact("ubuntu", chain()) == {
        "etc/apt/sources.list.d/00-fuel-upgrade.list": (
            "# Written by fuel-upgrade; the order is part of the meaning.\n"
            "deb [trusted=yes] http://m/6.0 precise main extra\n"
            "deb [trusted=yes] http://m/5.1 precise main extra\n"
        ),
        "etc/apt/preferences.d/fuel-upgrade.pref": PREFERENCES,
    }


def test_paragraphs_are_these_and_empty_the_list() -> None:
    style = SourceStyle(deb822=True, signed_by="/etc/apt/keyrings/fuel.asc")
    assert render_exact("ubuntu", chain(signed=True), style) == {
        "etc/apt/sources.list.d/00-fuel-upgrade.sources": (
            "# Written by fuel-upgrade; the order is part of the meaning.\n"
            "\n"
            "Types: deb\nURIs: http://m/6.0\nSuites: precise\nComponents: main extra\n"
            "Signed-By: /etc/apt/keyrings/fuel.asc\n"
            "\n"
            "Types: deb\nURIs: http://m/5.1\nSuites: precise\nComponents: main extra\n"
            "Trusted: yes\n"
        ),
        "etc/apt/sources.list.d/00-fuel-upgrade.list": (
            "# Written by fuel-upgrade; the repos are in 00-fuel-upgrade.sources.\n"
        ),
        "etc/apt/preferences.d/fuel-upgrade.pref": PREFERENCES,
    }


@pytest.mark.parametrize(
    ("key", "line"),
    [("", "deb http://m/6.0"), ("/k.asc", "deb [signed-by=/k.asc] http://m/6.0")],
)
def test_a_signed_repo_is_not_trusted_blindly(key: str, line: str) -> None:
    files = render_exact("ubuntu", chain(signed=True), SourceStyle(signed_by=key))
    assert f"\n{line} precise" in files["etc/apt/sources.list.d/00-fuel-upgrade.list"]


def test_yum_sections_are_these() -> None:
    assert render_exact("centos", chain("yum")) == {
        "etc/yum.repos.d/fuel-upgrade.repo": (
            "[6.0]\nname=6.0\nbaseurl=http://m/6.0\nenabled=1\ngpgcheck=0\n"
            "\n"
            "[5.1]\nname=5.1\nbaseurl=http://m/5.1\nenabled=1\ngpgcheck=0\n"
            "exclude=gone-1:2.0-1.all\n"
        )
    }


def test_a_key_makes_yum_check_packages_and_signed_metadata() -> None:
    contents = chain("yum", signed=True)
    style = SourceStyle(gpgkey="http://m/key")
    text = render_exact("centos", contents, style)["etc/yum.repos.d/fuel-upgrade.repo"]
    newest, oldest = text.split("\n\n")
    assert "gpgcheck=1\nrepo_gpgcheck=1\ngpgkey=http://m/key" in newest
    assert "gpgcheck=1\nrepo_gpgcheck=0\ngpgkey=http://m/key" in oldest


def test_excludes_are_one_per_line() -> None:
    newest, oldest = chain("yum")
    more = replace(oldest, packages=(*oldest.packages, package("left")))
    text = render_exact("centos", [newest, more])["etc/yum.repos.d/fuel-upgrade.repo"]
    assert text.endswith("exclude=gone-1:2.0-1.all\n  left-0:1.0-1.all\n")


def test_groups_are_read_from_the_newest_repo_that_has_them_alone() -> None:
    newest, oldest = chain("yum")
    middle, last = (replace(oldest, source=replace(oldest.source, name=n)) for n in ("5.2", "5.0"))
    for has, off in (("100", "011"), ("010", "001"), ("111", "011"), ("001", "000")):
        repos = (newest, middle, last)
        contents = [replace(c, has_groups=h == "1") for c, h in zip(repos, has, strict=True)]
        text = render_exact("centos", contents)["etc/yum.repos.d/fuel-upgrade.repo"]
        sections = text.split("\n\n")
        assert "".join(str(int("\nenablegroups=0" in section)) for section in sections) == off


def test_apt_needs_a_suite() -> None:
    with pytest.raises(ConfigError, match="URL SUITE COMPONENT"):
        render_exact("ubuntu", chain("yum"))


@pytest.mark.parametrize("key", ["/a b", "/a]", "/a\n", "/a\x00"])
def test_a_key_that_breaks_a_line_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="fits into no sources file"):
        SourceStyle(signed_by=key)
    with pytest.raises(ConfigError, match="--gpgkey"):
        SourceStyle(gpgkey=key)
