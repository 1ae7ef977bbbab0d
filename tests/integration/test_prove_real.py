"""Proofs, dependencies and reports of repos that the real packaging tools made."""

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from demo.nodes import AptNode
from demo.packages import Recipe, make_apt_repo, make_yum_repo
from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.repo import AptRepo
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.proof.read_proof import read_dependencies
from fuel_upgrade.repo.repo import Entry
from fuel_upgrade.repo.yum.repo import YumRepo
from fuel_upgrade.system import process
from fuel_upgrade.system.tree_digest import walk
from tests.tools import needs

both = pytest.mark.parametrize(
    "kind",
    [
        pytest.param("apt", marks=needs("apt-ftparchive", "dpkg-deb")),
        pytest.param("yum", marks=needs("rpmbuild", "createrepo_c")),
    ],
)
BASE = (
    Recipe("same", "1.0-1", "same"),
    Recipe("rebuilt", "1:1.0-1", "content A"),
    Recipe("down", "2.0-1", "down", architecture="amd64"),
    Recipe("gone", "1.0-1", "gone"),
)
CURRENT = (
    Recipe("same", "1.0-1", "same"),
    Recipe("rebuilt", "1:1.0-1", "content B", depends=("same",)),
    Recipe("down", "2.0~rc1-1", "down", architecture="amd64"),
    Recipe("new", "1.0-1", "new", depends=("rebuilt", "nowhere")),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prove")


def made(place: Path, kind: str) -> tuple[Path, Path, Path]:
    """Make base, current and diff once."""
    folder = place / kind
    trio = folder / "base", folder / "current", folder / "diff"
    if not folder.exists():
        for root, recipes in zip(trio, (BASE, CURRENT), strict=False):
            if kind == "apt":
                make_apt_repo(root, recipes, architectures=("amd64", "i386"))
            else:
                make_yum_repo(root, recipes)
        build_diff(*trio)
    return trio


def run(*arguments: object) -> tuple[int, str]:
    """Run the command as a user does; return its exit code and output."""
    code = "from fuel_upgrade.cli.main import main; main()"
    argv = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@both
def test_a_real_diff_repo_is_proved(place: Path, kind: str) -> None:
    base, current, diff = made(place, kind)
    code, text = run("repo", "prove", base, diff, current, "--json")
    actual = json.loads(text)
    assert (code, actual["proved"], actual["carried"], actual["inherited"]) == (0, True, 3, 1)
    assert actual["index_entries"] == (7 if kind == "apt" else 4)


@both
def test_archives_without_packages_are_enough(place: Path, tmp_path: Path, kind: str) -> None:
    archives = []
    for root in made(place, kind):
        parts = [p for p in ("dists", "repodata", "diff.yaml") if (root / p).exists()]
        archives.append(tmp_path / f"{root.name}.tar")
        process.run(["tar", "-C", str(root), "-cf", str(archives[-1]), *parts], timeout_s=120.0)
    base, current, diff = archives
    assert run("repo", "report", base, current)[0] == 0
    code, text = run("repo", "prove", base, diff, current)
    assert code == 0, text


@both
def test_a_wrong_order_of_repos_is_not_proved_and_names_packages(place: Path, kind: str) -> None:
    base, current, diff = made(place, kind)
    code, text = run("repo", "prove", current, diff, base)
    assert code == 3
    assert "new" in text
    assert "remedy:" in text
    code, text = run("repo", "prove", current, diff, base, "--json")
    assert (code, json.loads(text)["proved"]) == (3, False)


def losing(kind: type[AptRepo | YumRepo]) -> Callable[..., None]:
    """Return a writer of indexes that loses one package (of apt in one architecture only)."""
    write = kind.write_indexes

    def write_without_one(repo: Any, entries: Iterable[Entry], out: Path, **more: Any) -> None:
        lost = ("new", repo.index_names[-1][1])
        kept = [e for e in entries if (e.package.name, e.index_architecture) != lost]
        write(repo, kept, out, **more)

    return write_without_one


@both
def test_a_build_that_loses_a_package_leaves_no_output(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    base, current, _ = made(place, kind)
    for repo in (AptRepo, YumRepo):  # the proof is for a fault of the writer
        monkeypatch.setattr(repo, "write_indexes", losing(repo))
    with pytest.raises(BundleError) as caught:
        build_diff(base, current, tmp_path / "out")
    assert "1 fault(s)" in caught.value.what
    assert "new " in caught.value.what
    assert ("main/binary-i386" in caught.value.what) is (kind == "apt")
    assert list(walk(tmp_path)) == []


@both
def test_one_changed_line_of_the_description_fails_the_proof(
    place: Path, tmp_path: Path, kind: str
) -> None:
    base, current, diff = made(place, kind)
    altered = Path(shutil.copytree(diff, tmp_path / "diff"))
    text = (altered / "diff.yaml").read_text()
    inherited = text.rindex("same ")
    (altered / "diff.yaml").write_text(text[:inherited] + "sane " + text[inherited + 5 :])
    code, output = run("repo", "prove", base, altered, current)
    assert code == 3
    assert "sane" in output
    assert "not have it" in output


@both
def test_dependencies_are_reported_and_only_strictly_fail(
    place: Path, tmp_path: Path, kind: str
) -> None:
    base, current, diff = made(place, kind)
    code, text = run("repo", "prove", base, diff, current, "--check-dependencies", "--json")
    unmet = json.loads(text)["dependencies"]["unmet"]
    assert code == 0
    assert {(one["package"].split()[0], one["needs"]) for one in unmet} == {("new", "nowhere")}
    assert run("repo", "prove", base, diff, current, "--strict")[0] == 3
    assert run("repo", "diff", base, current, "-o", tmp_path / "out", "--strict")[0] == 3
    assert (tmp_path / "out/diff.yaml").exists()  # proved: the dependencies only report


@both
def test_the_report_of_a_real_pair(place: Path, tmp_path: Path, kind: str) -> None:
    base, current, _ = made(place, kind)
    code, text = run("repo", "report", base, current, "--json")
    counts = json.loads(text)["repos"][0]["counts"]
    assert code == 0
    assert counts == {
        "rebuilt": 1, "upgraded": 0, "downgraded": 1, "added": 1, "removed": 1, "moved": 0,
    }  # fmt: skip
    page = tmp_path / "changes.html"
    assert run("repo", "report", base, current, "--format", "html", "-o", page) == (0, "")
    assert page.read_text().startswith("<!doctype html>")


def drawn(seed: int) -> list[str]:
    """Draw the stanzas of a repo whose packages depend on each other, or on missing ones."""
    draw = random.Random(seed)
    versions = ("1.0-1", "1:0.5-1", "2.0~rc1-1", "2.0-1", "10.0-1")
    names = [f"p{n}" for n in range(60)]

    def relation() -> str:
        name = draw.choice([*names, "virtual0", "virtual1", "nowhere"])
        operator = draw.choice(("<<", "<=", "=", ">=", ">>"))
        limits = ["", "", f" ({operator} {draw.choice(versions)})"]
        return name + draw.choice(("", "", "", ":any")) + draw.choice(limits)

    def stanza(name: str) -> str:
        ands = [" | ".join(relation() for _ in range(draw.choice((1, 1, 2)))) for _ in range(4)]
        version = draw.choice(versions)
        virtual = draw.choice(("", "virtual0", f"virtual1 (= {draw.choice(versions)})"))
        fields = {
            "Package": name, "Version": version, "Architecture": draw.choice(("all", "amd64")),
            "Multi-Arch": draw.choice(("", "allowed")), "Provides": virtual,
            "Pre-Depends": ands[0], "Depends": ", ".join(ands[1:]),
            "Filename": f"pool/{name}.deb", "Size": "1", "SHA256": "0" * 64, "Description": "x",
        }  # fmt: skip
        if fields["Architecture"] == "all":
            fields["Multi-Arch"] = ""
        return "".join(f"{key}: {value}\n" for key, value in fields.items() if value)

    return [stanza(name) for name in names]


@needs("apt-cache")
@pytest.mark.parametrize("seed", range(3))
def test_unmet_dependencies_are_those_that_apt_finds(tmp_path: Path, seed: int) -> None:
    stanzas = drawn(seed)
    folder = tmp_path / "repo/dists/s/main/binary-amd64"
    folder.mkdir(parents=True)
    (folder / "Packages").write_text("\n".join(stanzas))
    report = read_dependencies(tmp_path / "repo")
    said = {"<<": "<", ">>": ">"}  # as apt-cache prints them
    ours = {
        (one.package.split()[0], re.sub("<<|>>", lambda sign: said[sign[0]], one.need))
        for one in report.unmet
    }
    node = AptNode(tmp_path / "node")
    line = f"deb [trusted=yes] file:{tmp_path}/repo s main\n"
    node.apply({"etc/apt/sources.list.d/repo.list": line})
    argv = ["env", f"APT_CONFIG={node.root}/etc/apt/node.conf", "apt-cache", "unmet", "-i"]
    theirs = set()
    for line in process.run(argv, timeout_s=60.0).splitlines():
        first, _, rest = line.strip().partition(" ")
        if first == "Package":
            name = rest.split(" ")[0].removesuffix(":amd64")
        else:
            theirs.add((name, rest))
    assert ours == theirs
    assert len(ours) > 20


@needs("rpmbuild", "createrepo_c")
def test_files_that_only_the_filelists_have_meet_a_dependency(tmp_path: Path) -> None:
    needed = Recipe("same", "1.0-1", "same")
    user = Recipe("user", "1.0-1", "user", depends=("/usr/share/same/content",))
    root = tmp_path / "repo"
    make_yum_repo(root, (needed, user))
    code, text = run("repo", "diff", root, root, "-o", tmp_path / "out", "--strict", "--json")
    actual = json.loads(text)["dependencies"]
    assert (code, actual["unmet"]) == (0, [])
    assert actual["dependencies"] == 1


def test_a_tarball_lists_its_changes(tarballs: dict[str, Path]) -> None:
    code, text = run("bundle", "report", tarballs["6.0"], "--format", "markdown")
    assert code == 0
    assert "# Changes with Fuel 6.0" in text
    assert "since 2014.1.1-5.1" in text.replace("\\", "")
    code, text = run("bundle", "report", tarballs["5.1"], "--json")
    assert (code, {repo["note"][:6] for repo in json.loads(text)["repos"]}) == (0, {"A full"})
