"""``binary-all`` beside the indexes of architectures, as the real apt reads it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from demo.nodes import AptNode
from fuel_upgrade.cli.main import main
from fuel_upgrade.repo.apt.repo import read_apt
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.fullview.view import build_view
from tests.builders import Fake, apt_repo, checksum, write
from tests.tools import needs

pytestmark = needs("apt-get", "apt-cache")

FOR_ALL, NATIVE = Fake("for-all"), Fake("native", architecture="amd64")
NO_SUPPORT = "No-Support-for-Architecture-all"


def repo(root: Path, fakes: Sequence[Fake], *, fields: Mapping[str, str] | None) -> Path:
    """Make a repo that lists packages for all in ``binary-all`` only; no Release if no fields."""
    apt_repo(root, fakes, architectures=("amd64", "all"), release=False)
    folder = root / "dists/precise"
    for_native = [fake for fake in fakes if fake.architecture != "all"]
    index = apt_repo(root / "native", for_native, release=False) / "dists/precise"
    name = "main/binary-amd64/Packages"
    for suffix in ("", ".gz"):
        write(folder / (name + suffix), (index / (name + suffix)).read_bytes())
    if fields is not None:
        head = {"Origin": "Fuel", "Label": "Fuel", "Date": "Thu, 01 Jan 2015 00:00:00 UTC"}
        lines = [f"{key}: {value}" for key, value in {**head, **fields}.items() if value]
        paths = [p for p in sorted(folder.rglob("Packages*")) if is_listed(p, fields)]
        sums = [
            f" {checksum('sha256', p.read_bytes())} {p.stat().st_size} {p.relative_to(folder)}"
            for p in paths
        ]
        write(folder / "Release", "\n".join([*lines, "SHA256:", *sums, ""]))
    return root


def is_listed(path: Path, fields: Mapping[str, str]) -> bool:
    return "Unlisted" not in fields or "binary-all" not in path.parts


SHAPES: dict[str, Mapping[str, str] | None] = {
    "named": {"Architectures": "all amd64", "Components": "main"},
    "not named": {"Architectures": "amd64", "Components": "main"},
    "not supported": {"Architectures": "all amd64", "Components": "main", NO_SUPPORT: "Packages"},
    "not supported, with others": {"Architectures": "all", NO_SUPPORT: "Contents Packages"},
    "another is not supported": {"Architectures": "amd64 all", NO_SUPPORT: "Contents"},
    "no field": {"Components": "main"},
    "no Release": None,
    "not listed": {"Architectures": "amd64 all", "Unlisted": "yes"},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_index_for_all_is_read_where_apt_reads_it(tmp_path: Path, shape: str) -> None:
    root = repo(tmp_path / "repo", [FOR_ALL, NATIVE], fields=SHAPES[shape])
    node = AptNode(tmp_path / "node")
    node.apply({"etc/apt/sources.list": f"deb [trusted=yes] copy:{root} precise main\n"})
    assert {package.name for package in read_apt(root).packages} == set(node.names())


@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "no Release"])
def test_a_chain_shows_what_the_current_repo_shows(tmp_path: Path, shape: str) -> None:
    fields = SHAPES[shape]
    base = repo(tmp_path / "base", [FOR_ALL, NATIVE, Fake("gone")], fields=fields)
    new = [FOR_ALL, Fake("native", content="again", architecture="amd64"), Fake("new")]
    current = repo(tmp_path / "current", new, fields=fields)
    build_diff(base, current, tmp_path / "diff")
    build_view([tmp_path / "diff", base], tmp_path / "view")
    given = ",".join(f"file://{root} precise main" for root in (tmp_path / "diff", base))
    argv = ["node", "sources", "--os", "ubuntu", "--repos", given, "-o", str(tmp_path / "sources")]
    done = CliRunner().invoke(main, argv)
    assert done.exit_code == 0, done.output
    paths = [path for path in (tmp_path / "sources").rglob("*") if path.is_file()]
    files = {str(path.relative_to(tmp_path / "sources")): path.read_text() for path in paths}
    expected = candidates(tmp_path / "alone", alone(current))
    assert candidates(tmp_path / "chain", files) == expected
    assert candidates(tmp_path / "viewed", alone(tmp_path / "view")) == expected


def alone(root: Path) -> Mapping[str, str]:
    return {"etc/apt/sources.list": f"deb [trusted=yes] file:{root} precise main\n"}


def candidates(folder: Path, files: Mapping[str, str]) -> dict[str, str]:
    node = AptNode(folder)
    node.apply(files)
    names = [name for name in node.names() if "Candidate: (none)" not in node.policy(name)]
    rows = (line.split() for line in node.uris(names).splitlines())
    return {name.split("_")[0]: value for _, name, _, value in rows}
