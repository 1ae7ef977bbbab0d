"""The maker of packages and repos, judged by the real tools that read them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.nodes import AptNode, DnfNode
from demo.packages import (
    Recipe,
    build_deb,
    build_debs,
    build_rpm,
    build_rpms,
    make_apt_repo,
    make_yum_repo,
)
from fuel_upgrade.errors import CommandError
from fuel_upgrade.system import process
from fuel_upgrade.system.files import hash_file
from tests.tools import needs

Builder = Callable[[Recipe, Path], Path]
needs_deb = needs("dpkg-deb")
needs_rpm = needs("rpmbuild", "rpm")
TOOL = Recipe("tool", "1:2.0-3", "content of tool", architecture="amd64", depends=("lib (>= 1.0)",))
LIB = Recipe("lib", "1.0-1", "content of lib")
EXTRA = Recipe("libextra", "0.9~rc1-1", "content of extra", component="universe")


def field(path: Path, name: str) -> str:
    return process.run(["dpkg-deb", "--field", str(path), name], timeout_s=120).strip()


def rpm_query(path: Path, form: str) -> str:
    return process.run(["rpm", "-qp", "--queryformat", form, str(path)], timeout_s=120)


@needs_deb
def test_a_deb_says_what_its_recipe_says(tmp_path: Path) -> None:
    path = build_deb(TOOL, tmp_path)
    assert path == tmp_path / "tool_2.0-3_amd64.deb"
    assert field(path, "Package") == "tool"
    assert field(path, "Version") == "1:2.0-3"
    assert field(path, "Architecture") == "amd64"
    assert field(path, "Depends") == "lib (>= 1.0)"
    assert {field(path, name) for name in ("Section", "Priority")} == {"misc", "optional"}
    assert field(path, "Maintainer")
    assert field(path, "Description").startswith("demo package tool\n")
    assert field(build_deb(EXTRA, tmp_path), "Section") == "universe/misc"


@needs_deb
def test_a_debs_file_belongs_to_root_and_holds_the_content(tmp_path: Path) -> None:
    path = build_deb(LIB, tmp_path)
    listing = process.run(["dpkg-deb", "--contents", str(path)], timeout_s=120)
    assert re.search(r"-rw-r--r-- root/root +14 .* \./usr/share/lib/content$", listing, re.M)
    process.run(["dpkg-deb", "--extract", str(path), str(tmp_path / "out")], timeout_s=120)
    assert (tmp_path / "out/usr/share/lib/content").read_text() == "content of lib"


@needs_rpm
def test_an_rpm_says_what_its_recipe_says(tmp_path: Path) -> None:
    path = build_rpm(TOOL, tmp_path)
    assert path == tmp_path / "tool-2.0-3.x86_64.rpm"
    form = "%{NAME} %{EPOCH} %{VERSION} %{RELEASE} %{ARCH} %{FILENAMES} %{FILEUSERNAME}"
    assert rpm_query(path, form) == "tool 1 2.0 3 x86_64 /usr/share/tool root"
    requires = rpm_query(path, "[%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]")
    assert "lib >= 1.0" in requires.splitlines()


@needs_rpm
def test_an_rpm_without_epoch_or_release_gets_release_one(tmp_path: Path) -> None:
    path = build_rpm(Recipe("plain", "1.0", "x"), tmp_path)
    form = "%|EPOCH?{has an epoch}:{none}| %{VERSION}-%{RELEASE} %{ARCH}"
    assert rpm_query(path, form) == "none 1.0-1 noarch"


both_builders = pytest.mark.parametrize(
    "build",
    [pytest.param(build_deb, marks=needs_deb), pytest.param(build_rpm, marks=needs_rpm)],
)


@both_builders
def test_one_recipe_gives_one_sequence_of_bytes(tmp_path: Path, build: Builder) -> None:
    first, second = (build(TOOL, tmp_path / name) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


@both_builders
def test_contents_of_equal_length_differ_by_checksum_alone(tmp_path: Path, build: Builder) -> None:
    first, second = (
        build(Recipe("a", "1.0-1", text), tmp_path / text) for text in ("A" * 9, "B" * 9)
    )
    assert first.stat().st_size == second.stat().st_size
    assert hash_file(first) != hash_file(second)


@both_builders
def test_a_longer_content_makes_a_larger_package(tmp_path: Path, build: Builder) -> None:
    first = build(Recipe("a", "1.0-1", "x"), tmp_path / "a")
    second = build(Recipe("a", "1.0-1", "x" * 20_000), tmp_path / "b")
    assert second.stat().st_size > first.stat().st_size


@both_builders
def test_a_name_that_no_package_may_have_is_refused_by_the_tool(
    tmp_path: Path, build: Builder
) -> None:
    with pytest.raises(CommandError):
        build(Recipe("no name", "1.0-1", "x"), tmp_path)


@needs_deb
def test_many_debs_come_in_the_order_of_their_recipes(tmp_path: Path) -> None:
    names = [path.name for path in build_debs([LIB, TOOL], tmp_path)]
    assert names == ["lib_1.0-1_all.deb", "tool_2.0-3_amd64.deb"]


@needs_rpm
def test_many_rpms_come_in_the_order_of_their_recipes(tmp_path: Path) -> None:
    names = [path.name for path in build_rpms([LIB, TOOL], tmp_path)]
    assert names == ["lib-1.0-1.noarch.rpm", "tool-2.0-3.x86_64.rpm"]


@needs("apt-get", "apt-ftparchive", "dpkg-deb")
def test_apt_sees_every_component_and_architecture(tmp_path: Path) -> None:
    recipes = [LIB, TOOL, EXTRA]
    repo = make_apt_repo(tmp_path / "repo", recipes, label="L", architectures=("amd64", "i386"))
    assert (repo / "pool/main/t/tool/tool_2.0-3_amd64.deb").is_file()
    assert (repo / "pool/universe/libe/libextra/libextra_0.9~rc1-1_all.deb").is_file()
    packages = {
        path.parent.relative_to(repo / "dists/precise").as_posix(): re.findall(
            "^Package: (.*)$", path.read_text(), re.MULTILINE
        )
        for path in repo.rglob("Packages")
    }
    assert packages == {
        "main/binary-amd64": ["lib", "tool"],
        "main/binary-i386": ["lib"],
        "universe/binary-amd64": ["libextra"],
        "universe/binary-i386": ["libextra"],
    }
    node = AptNode(tmp_path / "node")
    line = f"deb [trusted=yes] file://{repo} precise main universe\n"
    node.apply({"etc/apt/sources.list": line})
    assert re.search(r"Candidate: 1:2\.0-3\n", node.policy("tool"))
    node.install(["tool", "libextra"])
    assert node.installed() == {r.name: (r.version, r.content) for r in recipes}


@needs("apt-ftparchive", "dpkg-deb")
def test_a_release_file_carries_what_pins_go_by(tmp_path: Path) -> None:
    repo = make_apt_repo(tmp_path, [LIB, EXTRA], suite="trusty", origin="My Org", label="diff-1")
    lines = (repo / "dists/trusty/Release").read_text().splitlines()
    assert {
        "Origin: My Org",
        "Label: diff-1",
        "Suite: trusty",
        "Codename: trusty",
        "Components: main universe",
        "Architectures: amd64",
    } <= set(lines)
    assert "Release" not in {line.split()[-1] for line in lines}


@needs("apt-ftparchive", "dpkg-deb")
def test_an_apt_repo_without_packages_is_a_repo(tmp_path: Path) -> None:
    repo = make_apt_repo(tmp_path, [])
    assert (repo / "dists/precise/main/binary-amd64/Packages").read_bytes() == b""


@needs("dnf", "rpmbuild", "rpm", "createrepo_c")
def test_dnf_sees_what_the_recipes_say(tmp_path: Path) -> None:
    repo = make_yum_repo(tmp_path / "repo", [LIB, TOOL])
    metadata = {path.name.rsplit("-", 1)[-1] for path in (repo / "repodata").iterdir()}
    assert metadata == {"repomd.xml", "primary.xml.gz", "filelists.xml.gz", "other.xml.gz"}
    node = DnfNode(tmp_path / "node")
    node.apply({"etc/yum.repos.d/a.repo": f"[a]\nname=a\nbaseurl=file://{repo}\n"})
    argv = ["dnf", "--config", str(node.root / "etc/dnf.conf"), "--installroot", str(node.root)]

    def rows(*options: str) -> list[str]:
        query = [*argv, "--releasever", "6", "--quiet", "repoquery", *options]
        return sorted(filter(None, process.run(query, timeout_s=60).splitlines()))

    assert rows("--queryformat", "%{name} %{evr} %{arch}\n") == [
        "lib 1.0-1 noarch",
        "tool 1:2.0-3 x86_64",
    ]
    assert rows("--location") == [
        f"file://{repo}/Packages/{name}.rpm" for name in ("lib-1.0-1.noarch", "tool-2.0-3.x86_64")
    ]
    node.install(["tool"])
    assert node.installed() == {r.name: (r.version, r.content) for r in (LIB, TOOL)}
