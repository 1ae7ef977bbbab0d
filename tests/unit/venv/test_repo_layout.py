"""The published files of a repo server, as the consumers of 2016 expect them."""

from collections.abc import Mapping
from posixpath import dirname, join, normpath

from fuel_upgrade.venv.interpreter import Requires
from fuel_upgrade.venv.repo_layout import Blob, Link, lay_out
from fuel_upgrade.venv.venv_index import (
    Archive,
    VenvEntry,
    VenvIndex,
    Wheel,
    compare_packages,
    parse_index,
)

REQUIRES = Requires("3.11", "/usr/bin/python3.11", "cpython-311", "x86_64", "2.17")
PURE = Wheel("flask", "3.0", "flask-3.0-py3-none-any.whl", "aa" * 32)


def entry(
    service: str = "horizon",
    tag: str = "13.1.0",
    platform: str = "debian-12-x86_64",
    *wheels: Wheel,
    number: int = 0,
) -> VenvEntry:
    return VenvEntry(
        service,
        tag,
        platform,
        "/openstack/venvs",
        "1" * 64,
        "2" * 64,
        Archive(f"{service[:1].encode().hex()}{tag[-1]}" * 21 + "0", "3" * 40, 100),
        REQUIRES,
        wheels or (PURE,),
        number=number,
        requirements=("flask",),
    )


def target(files: Mapping[str, object], path: str) -> object:
    """Follow links as a web server does."""
    content = files.get(path)
    while isinstance(content, Link):
        path = normpath(join(dirname(path), content.target))
        content = files.get(path)
    return content


def test_an_archive_is_at_both_names_of_2016() -> None:
    venv = entry()
    files = lay_out(VenvIndex((venv,)))

    assert target(files, "venvs/13.1.0/debian-12-x86_64/horizon-13.1.0.tgz") == Blob(
        venv.archive.sha256
    )
    assert files["venvs/13.1.0/debian-12-x86_64/horizon-13.1.0.checksum"] == "3" * 40 + "\n"
    assert files["venvs/13.1.0/debian"] == Link("debian-12-x86_64")


def test_a_distribution_with_two_platforms_has_no_name_of_2016() -> None:
    files = lay_out(VenvIndex((entry(), entry(platform="debian-13-x86_64"))))

    assert "venvs/13.1.0/debian" not in files


def test_a_wheel_is_reached_by_all_its_names() -> None:
    files = lay_out(VenvIndex((entry(),)))

    for folder in ("links", "os-releases/13.1.0", "os-releases/13.1.0/debian-12-x86_64"):
        assert target(files, f"{folder}/{PURE.file}") == Blob(PURE.sha256), folder


def test_a_wheel_with_two_contents_is_only_below_its_platform() -> None:
    one = Wheel("lxml", "5", "lxml-5-cp311-cp311-linux_x86_64.whl", "bb" * 32)
    other = Wheel("lxml", "5", one.file, "cc" * 32)
    first = entry("horizon", "13.1.0", "debian-12-x86_64", one)
    second = entry("horizon", "13.1.0", "ubuntu-22.04-x86_64", other)
    files = lay_out(VenvIndex((first, second)))

    assert f"links/{one.file}" not in files
    assert f"os-releases/13.1.0/{one.file}" not in files
    assert target(files, f"os-releases/13.1.0/debian-12-x86_64/{one.file}") == Blob(one.sha256)
    assert target(files, f"os-releases/13.1.0/ubuntu-22.04-x86_64/{one.file}") == Blob(other.sha256)


def test_every_path_of_the_manifest_exists() -> None:
    files = lay_out(VenvIndex((entry(), entry("nova"))))
    manifest = files["os-releases/13.1.0/MANIFEST.in"]

    assert isinstance(manifest, str)
    assert [path for path in manifest.splitlines() if path not in files] == []


def test_no_link_leads_to_nothing() -> None:
    files = lay_out(VenvIndex((entry(), entry(tag="13.2.0"), entry(platform="centos-7-x86_64"))))
    folders = {dirname(path) for path in files}
    dangling = [
        path
        for path, content in files.items()
        if isinstance(content, Link)
        and target(files, path) is None
        and normpath(join(dirname(path), content.target)) not in folders
    ]

    assert dangling == []


def test_an_index_is_read_as_it_was_written() -> None:
    index = VenvIndex((entry(), entry("nova")))

    assert parse_index(index.to_text(), source="index.json") == index


def test_a_replaced_venv_keeps_the_others() -> None:
    index = VenvIndex((entry(), entry("nova")))
    other = entry("horizon", "13.1.0", "debian-12-x86_64", Wheel("a", "1", "a-1-x.whl", "dd" * 32))

    assert set(index.replaced([other]).entries) == {other, entry("nova")}


def test_the_newest_tags_are_those_published_last() -> None:
    numbers = {"9": 3, "10": 2, "11": 1}
    index = VenvIndex(tuple(entry(tag=tag, number=number) for tag, number in numbers.items()))

    assert {venv.tag for venv in index.newest(2).entries} == {"9", "10"}


def test_packages_of_two_venvs_are_compared_by_version() -> None:
    first = entry("a", "1", "p", Wheel("x", "1", "x", "1"), Wheel("y", "1", "y", "2"))
    second = entry("a", "2", "p", Wheel("x", "2", "x", "3"), Wheel("z", "1", "z", "4"))

    assert compare_packages(first, second) == (("x", "1", "2"), ("y", "1", None), ("z", None, "1"))
