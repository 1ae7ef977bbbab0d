"""The text of exact sources."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.apt_policy import AptPolicy
from fuel_upgrade.nodes.chain_content import RepoContent
from fuel_upgrade.nodes.exact_sources import SourceStyle, render_exact
from fuel_upgrade.nodes.sources import NodeSource
from tests.builders import package

KINDS = ("list", "sources")
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


MAY = datetime(2014, 5, 1, tzinfo=UTC)
JUNE = datetime(2014, 6, 1, tzinfo=UTC)


def dated(*policies: AptPolicy) -> list[RepoContent]:
    return [
        replace(content, source=replace(content.source, policy=policy))
        for content, policy in zip(chain(), policies, strict=True)
    ]


@pytest.mark.parametrize("deb822", [False, True])
def test_a_valid_until_of_a_shipped_repo_is_not_checked_and_the_reason_is_written(
    *, deb822: bool
) -> None:
    contents = dated(AptPolicy(), AptPolicy(expires=True))
    files = render_exact("ubuntu", contents, SourceStyle(deb822=deb822))
    list_, sources = (files.get(f"etc/apt/sources.list.d/00-fuel-upgrade.{s}") for s in KINDS)
    newer, older = (sources.split("\n\n")[1:] if sources else str(list_).splitlines()[2:])[:2]
    option = "Check-Valid-Until: no" if deb822 else "[trusted=yes check-valid-until=no]"
    assert option in older
    assert "alid-" not in newer
    assert "# Check-Valid-Until: the Valid-Until of a shipped" in str(sources or list_)


@pytest.mark.parametrize(("own", "of_base", "checked"), [(MAY, JUNE, False), (JUNE, MAY, True)])
def test_the_date_of_a_base_after_that_of_the_release_is_not_checked(
    own: datetime, of_base: datetime, *, checked: bool
) -> None:
    """apt would refuse the base on a day on which it accepts the full repo."""
    contents = dated(AptPolicy(date=own), AptPolicy(expires=True, date=of_base))
    text = render_exact("ubuntu", contents)["etc/apt/sources.list.d/00-fuel-upgrade.list"]
    option = "check-valid-until" if checked else "check-date"
    assert "deb [trusted=yes] http://m/6.0 precise" in text
    assert f"deb [trusted=yes {option}=no] http://m/5.1 precise" in text
    assert f"# {option.title()}: the " in text


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
