"""Rendering a chain of repos, and reading one."""

import configparser
from collections.abc import Sequence

import pytest

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.sources import (
    NodeSource,
    from_release,
    parse_repo_argument,
    render_apt,
    render_astute,
    render_yum,
)
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, RepoEntry

MASTER = "http://10.20.0.2:8080"


def apt_source(name: str, label: str = "", origin: str = "", *, signed: bool = False) -> NodeSource:
    url = f"{MASTER}/{name}/ubuntu/x86_64"
    return NodeSource(name, url, "precise", ("main",), label, origin, signed)


def yum_source(name: str) -> NodeSource:
    return NodeSource(name, f"{MASTER}/{name}/centos/x86_64", None, ())


def release(*repos: tuple[str, str]) -> RegisteredRelease:
    entries = tuple(RepoEntry(name, location) for name, location in repos)
    orchestrator = OrchestratorData(entries, "manifests", "modules") if entries else None
    return RegisteredRelease(1, "Juno", "2014.2-6.0", "Ubuntu", "available", orchestrator)


def pins_of(files: dict[str, str]) -> list[str]:
    text = files["etc/apt/preferences.d/fuel-upgrade.pref"]
    return [line for line in text.splitlines() if line.startswith("Pin")]


def test_apt_files_of_a_diff_on_a_base_are_these() -> None:
    chain = [apt_source("2014.2-6.0", "fuel-diff-abc", "Fuel"), apt_source("2014.1.1-5.1", "Fuel")]
    assert render_apt(chain) == {
        "etc/apt/sources.list.d/00-fuel-upgrade.list": (
            "# Written by fuel-upgrade; the order of the lines is part of the meaning.\n"
            f"deb [trusted=yes] {MASTER}/2014.2-6.0/ubuntu/x86_64 precise main\n"
            f"deb [trusted=yes] {MASTER}/2014.1.1-5.1/ubuntu/x86_64 precise main\n"
        ),
        "etc/apt/preferences.d/fuel-upgrade.pref": (
            "# Written by fuel-upgrade.\n"
            "\n"
            "Package: *\n"
            "Pin: release l=fuel-diff-abc,o=Fuel\n"
            "Pin-Priority: 1001\n"
        ),
    }


def test_apt_pins_fall_along_the_chain_and_spare_the_full_repo() -> None:
    chain = [apt_source("c", "l-c"), apt_source("b", "l-b"), apt_source("a", "l-a")]
    assert pins_of(render_apt(chain)) == [
        "Pin: release l=l-c",
        "Pin-Priority: 1002",
        "Pin: release l=l-b",
        "Pin-Priority: 1001",
    ]


def test_a_full_repo_alone_is_not_pinned_and_needs_no_label() -> None:
    files = render_apt([apt_source("a")])
    assert files["etc/apt/preferences.d/fuel-upgrade.pref"] == "# Written by fuel-upgrade.\n"


def test_a_signed_repo_is_not_trusted_blindly() -> None:
    files = render_apt([apt_source("a", signed=True)])
    assert f"deb {MASTER}/a/ubuntu" in files["etc/apt/sources.list.d/00-fuel-upgrade.list"]


@pytest.mark.parametrize("label", ["Fuel", "FUEL"])
def test_apt_refuses_labels_that_pins_cannot_tell_apart(label: str) -> None:
    with pytest.raises(ConfigError, match="b and a have the same Label") as caught:
        render_apt([apt_source("b", label), apt_source("a", "Fuel")])
    assert "repo diff" in caught.value.remedy


def test_apt_refuses_same_label_of_the_same_origin() -> None:
    with pytest.raises(ConfigError, match="same Label"):
        render_apt([apt_source("b", "Fuel", "X"), apt_source("a", "Fuel", "X")])


def test_apt_refuses_a_later_repo_that_matches_an_earlier_one() -> None:
    chain = [apt_source("c", "L", "X"), apt_source("b", "L"), apt_source("a", "Fuel")]
    with pytest.raises(ConfigError, match="b and c have the same Label"):
        render_apt(chain)


def test_origins_distinguish_repos_with_equal_labels() -> None:
    chain = [apt_source("b", "Fuel", "Diff"), apt_source("a", "Fuel", "Full")]
    assert pins_of(render_apt(chain))[0] == "Pin: release l=Fuel,o=Diff"


@pytest.mark.parametrize("label", ["", "a,b", "fuel*", "[ab]", "what?", "/re/", "a\nb"])
def test_apt_does_not_pin_by_a_label_with_special_characters(label: str) -> None:
    with pytest.raises(ConfigError, match="cannot be pinned"):
        render_apt([apt_source("b", label), apt_source("a", "Fuel")])


def test_apt_does_not_pin_by_an_origin_with_special_characters() -> None:
    with pytest.raises(ConfigError, match="cannot be pinned"):
        render_apt([apt_source("b", "L", "My, Org"), apt_source("a", "Fuel")])


@pytest.mark.parametrize(
    "source",
    [
        yum_source("a"),
        NodeSource("a", f"{MASTER}/a", "precise", ()),
        NodeSource("a", f"{MASTER}/a#b", "precise", ("main",)),
    ],
)
def test_apt_refuses_sources_that_do_not_fit_its_line(source: NodeSource) -> None:
    with pytest.raises(ConfigError, match="URL SUITE COMPONENT"):
        render_apt([source])


def test_yum_file_of_a_diff_on_a_base_is_this() -> None:
    assert render_yum([yum_source("2014.2-6.0"), yum_source("2014.1.1-5.1")]) == {
        "etc/yum.repos.d/fuel-upgrade.repo": (
            "[2014.2-6.0]\n"
            "name=2014.2-6.0\n"
            f"baseurl={MASTER}/2014.2-6.0/centos/x86_64\n"
            "enabled=1\n"
            "gpgcheck=0\n"
            "priority=10\n"
            "\n"
            "[2014.1.1-5.1]\n"
            "name=2014.1.1-5.1\n"
            f"baseurl={MASTER}/2014.1.1-5.1/centos/x86_64\n"
            "enabled=1\n"
            "gpgcheck=0\n"
            "priority=99\n"
        )
    }


def priorities(sources: Sequence[NodeSource]) -> list[int]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(render_yum(sources)["etc/yum.repos.d/fuel-upgrade.repo"])
    return [int(parser[section]["priority"]) for section in parser.sections()]


@pytest.mark.parametrize("length", [1, 2, 3, 9, 10, 11, 12, 98, 99, 100, 150])
def test_yum_priorities_rise_however_long_the_chain(length: int) -> None:
    ranks = priorities([yum_source(f"r{number}") for number in range(length)])
    assert ranks == sorted(set(ranks))
    assert len(ranks) == length
    assert ranks[0] >= 1
    assert ranks[-1] == max(99, length)


def test_yum_priorities_have_gaps_if_they_fit() -> None:
    assert priorities([yum_source(f"r{n}") for n in range(10)])[-3:] == [80, 90, 99]


def test_yum_ids_are_clean_unique_and_not_dnfs_own() -> None:
    names = ["MOS 6.0/x", "MOS 6.0?x", "main", "a_b.c:d-e"]
    files = render_yum([NodeSource(name, MASTER, None, ()) for name in names])
    text = files["etc/yum.repos.d/fuel-upgrade.repo"]
    heads = [line for line in text.splitlines() if line.startswith("[")]
    assert heads == ["[MOS-6.0-x]", "[MOS-6.0-x-2]", "[main-2]", "[a_b.c:d-e]"]
    assert "name=MOS 6.0/x\n" in text


def test_astute_yum_text_is_the_originals() -> None:
    repos = [yum_source("Nailgun-6").entry, yum_source("5.1").entry]
    assert render_astute("centos", repos) == {
        "etc/yum.repos.d/nailgun.repo": (
            f"[nailgun-6]\nname=Nailgun-6\nbaseurl={MASTER}/Nailgun-6/centos/x86_64\ngpgcheck=0\n"
            f"[5.1]\nname=5.1\nbaseurl={MASTER}/5.1/centos/x86_64\ngpgcheck=0"
        )
    }


def test_astute_apt_text_is_the_originals() -> None:
    repos = [apt_source("6.0", "ignored").entry, RepoEntry("flat", MASTER)]
    assert render_astute("ubuntu", repos) == {
        "etc/apt/sources.list": f"deb {MASTER}/6.0/ubuntu/x86_64 precise main\ndeb {MASTER}"
    }


def test_a_releases_own_repo_comes_first_and_the_rest_as_registered() -> None:
    registered = release(
        ("2014.1.1-5.1", f"{MASTER}/5.1 precise main"),
        ("2014.2-6.0", f"{MASTER}/6.0 precise main restricted"),
        ("2014.1-5.0", f"{MASTER}/5.0 precise main"),
    )
    sources = from_release(registered)
    assert [source.name for source in sources] == ["2014.2-6.0", "2014.1.1-5.1", "2014.1-5.0"]
    assert sources[0] == NodeSource(
        "2014.2-6.0", f"{MASTER}/6.0", "precise", ("main", "restricted")
    )


def test_a_release_whose_repo_has_another_name_keeps_the_order() -> None:
    sources = from_release(release(("own", f"{MASTER}/centos"), ("aux", f"{MASTER}/aux")))
    assert sources == (
        NodeSource("own", f"{MASTER}/centos", None, ()),
        NodeSource("aux", f"{MASTER}/aux", None, ()),
    )


def test_a_release_without_repos_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Juno \(2014\.2-6\.0\) is registered without repos"):
        from_release(release())


def test_an_apt_repo_is_read_as_its_parts() -> None:
    source = parse_repo_argument(f"{MASTER}/2014.2-6.0/ubuntu/x86_64/ precise main extra", "ubuntu")
    assert source == NodeSource(
        "2014.2-6.0-ubuntu-x86_64",
        f"{MASTER}/2014.2-6.0/ubuntu/x86_64/",
        "precise",
        ("main", "extra"),
    )


def test_a_yum_repo_is_its_url() -> None:
    source = parse_repo_argument("file:///var/www/nailgun/centos", "centos")
    assert source == NodeSource(
        "var-www-nailgun-centos", "file:///var/www/nailgun/centos", None, ()
    )


def test_a_repo_at_the_top_of_a_server_is_named_after_the_server() -> None:
    assert parse_repo_argument(MASTER, "centos").name == "10.20.0.2:8080"


@pytest.mark.parametrize(
    ("text", "os_key"),
    [
        (f"{MASTER}/a", "ubuntu"),
        (f"{MASTER}/a precise", "ubuntu"),
        (f"{MASTER}/a precise main", "centos"),
        ("", "centos"),
        ("ftp://host/a", "centos"),
        ("/var/www/nailgun", "centos"),
        ("http://", "centos"),
        ("http://[", "centos"),
        ("file:", "centos"),
    ],
)
def test_a_repo_of_another_form_is_refused_with_the_form(text: str, os_key: str) -> None:
    with pytest.raises(ConfigError, match="is not of the form URL") as caught:
        parse_repo_argument(text, os_key)
    assert caught.value.remedy.startswith("write it as URL")


@pytest.mark.parametrize(
    ("name", "url", "suite", "components"),
    [
        ("a", "http://x y", None, ()),
        ("a", "http://x\n", None, ()),
        ("a", "", None, ()),
        ("a", "http://x", "", ("main",)),
        ("a", "http://x", "precise", ("main restricted",)),
        ("a\n[b]", "http://x", None, ()),
        ("", "http://x", None, ()),
    ],
)
def test_a_source_cannot_break_a_line(
    name: str, url: str, suite: str | None, components: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError, match="fits into no sources file"):
        NodeSource(name, url, suite, components)


def test_a_repo_that_was_not_read_gets_no_pin() -> None:
    unread, newer = apt_source("c"), apt_source("b", "Diff")
    files = render_apt([unread, newer, apt_source("a", "Fuel")], unread=[unread])
    assert pins_of(files) == ["Pin: release l=Diff", "Pin-Priority: 1001"]
