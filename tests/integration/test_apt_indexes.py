"""Indexes of diff repos and full views as the real apt fetches and reads them."""

import gzip
import json
import lzma
import re
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from click.testing import CliRunner

from demo.nodes import AptNode
from demo.packages import Recipe, make_apt_repo
from fuel_upgrade.cli.main import main
from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.other_indexes import description_md5
from fuel_upgrade.repo.apt.repo import read_apt
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.fullview.view import build_view
from fuel_upgrade.repo.repo import IndexChoice
from fuel_upgrade.system import process
from tests.builders import write
from tests.servers import Server, serving
from tests.tools import needs

pytestmark = needs("apt-get", "apt-cache", "apt-ftparchive", "dpkg-deb")

BASE = (Recipe("same", "1", "same"), Recipe("up", "1", "up"))
CURRENT = (Recipe("same", "1", "same"), Recipe("up", "2", "up 2"), Recipe("plain", "1", "plain"))
DIST = "dists/precise"
requested: list[str] = []


class Noted(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        requested.append(self.path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, and a current repo with translations, contents, udebs and sources."""
    root = tmp_path_factory.mktemp("repos")
    make_apt_repo(root / "base", BASE)
    dist = make_apt_repo(root / "current", CURRENT) / DIST
    short = short_index(root / "current")
    keys = dict(re.findall(r"^Package: (\S+)\n(?:.*\n)*?Description-md5: (\w+)", short, re.M))
    german = "".join(
        f"Package: {name}\nDescription-md5: {keys[name]}\n"
        f"Description-de: {name} auf Deutsch\n Ganz {name}.\n\n"
        for name in ("same", "up")  # and none of "plain"
    )
    write(dist / "main/i18n/Translation-de", german)
    write(dist / "main/i18n/Translation-fr", german.split("\n\n")[0].replace("-de:", "-fr:"))
    contents = process.run(
        ["apt-ftparchive", "--arch", "amd64", "contents", "pool"],
        timeout_s=60,
        cwd=root / "current",
    )
    write(dist / "main/Contents-amd64.gz", gzip.compress(contents.encode()))
    write(dist / "main/debian-installer/binary-amd64/Packages.gz", gzip.compress(b""))
    write(dist / "main/source/Sources.gz", gzip.compress(b""))
    relist(dist)
    return root


def short_index(repo: Path) -> str:
    """Return the ``Packages`` of a repo whose long descriptions are translations of their own."""
    argv = ["apt-ftparchive", "-o", "APT::FTPArchive::LongDescription=false", "packages", "pool"]
    return process.run(argv, timeout_s=60, cwd=repo)


@pytest.fixture(scope="module")
def keyed(folder: Path) -> Path:
    """Both repos with ``Description-md5`` in ``Packages``, without which apt 3.0 shows no
    translation: older versions compute it.
    """
    for name in ("base", "current"):
        shutil.copytree(folder / name, folder / "keyed" / name)
        dist = folder / "keyed" / name / DIST
        text = short_index(folder / "keyed" / name).encode()
        forms = {"": text, ".gz": gzip.compress(text), ".xz": lzma.compress(text)}
        for path in (dist / "main/binary-amd64").glob("Packages*"):
            write(path, forms[path.suffix])
        relist(dist)
    return folder / "keyed"


def relist(dist: Path, *more: str) -> None:
    """Make ``Release`` anew; the indexes that apt-ftparchive does not know are added."""
    head = (dist / "Release").read_text().split("MD5Sum:")[0]
    (dist / "Release").unlink()
    patterns = ("Packages", "Packages.*", "Translation-*", "Contents-*", "Sources.gz")
    argv = ["apt-ftparchive"]
    for pattern in patterns:
        argv += ["-o", f"APT::FTPArchive::Release::Patterns::={pattern}"]
    listed = process.run([*argv, "release", str(dist)], timeout_s=60)
    sums = listed[listed.index("MD5Sum:") :]
    write(dist / "Release", head + "".join(f"{line}\n" for line in more) + sums)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    with serving(Server(partial(Noted, directory=folder))) as http:
        yield http.url


def node_of(url: str, root: Path, languages: str = "none") -> AptNode:
    node = AptNode(root)
    conf = root / "etc/apt/node.conf"
    conf.write_text(conf.read_text().replace('Languages "none"', f'Languages "{languages}"'))
    node.apply({"etc/apt/sources.list": f"deb [trusted=yes] {url} precise main\n"})
    return node


def hashed(folder: Path, name: str) -> Path:
    """A copy of the current repo that says ``Acquire-By-Hash: yes`` and has an old index by it."""
    root = folder / name
    shutil.copytree(folder / "current", root)
    write(root / DIST / "main/binary-amd64/by-hash/SHA256" / ("0" * 64), b"of an older build")
    relist(root / DIST, "Acquire-By-Hash: yes")
    return root


def index_requests() -> list[str]:
    return [path for path in requested if "binary-amd64" in path]


def test_apt_fetches_by_hash_from_the_diff_and_from_its_view(
    folder: Path, server: str, tmp_path: Path
) -> None:
    current = hashed(folder, "hashed")
    build_diff(folder / "base", current, folder / "hashed-diff")
    build_view([folder / "hashed-diff", folder / "base"], folder / "hashed-view")
    for name in ("hashed-diff", "hashed-view"):
        requested.clear()
        node = node_of(f"{server}/{name}", tmp_path / name)
        assert re.search(r"Candidate: 2\b", node.policy("up"))
        assert index_requests()
        others = [path for path in index_requests() if "/by-hash/SHA" not in path]
        assert others == []
        names = {p.name for p in (folder / name).rglob("by-hash/SHA*/*")}
        assert names
        assert "0" * 64 not in names, "of an older build"


@pytest.mark.parametrize(("repo", "by_hash"), [("current", True), ("hashed-2", False)])
def test_by_hash_can_be_chosen(
    folder: Path, server: str, tmp_path: Path, repo: str, *, by_hash: bool
) -> None:
    current = folder / repo if by_hash else hashed(folder, repo)
    out = folder / f"chosen-{by_hash}"
    build_diff(folder / "base", current, out, DiffOptions(indexes=IndexChoice(by_hash=by_hash)))
    requested.clear()
    node_of(f"{server}/{out.name}", tmp_path / "node")
    assert {"/by-hash/" in path for path in index_requests()} == {by_hash}
    assert bool(list(out.joinpath("dists").rglob("by-hash"))) == by_hash
    assert ("Acquire-By-Hash" in read_apt(out).release) == by_hash


def test_apt_shows_the_translations_of_carried_packages(
    keyed: Path, server: str, tmp_path: Path
) -> None:
    build_diff(keyed / "base", keyed / "current", keyed / "diff")
    node = node_of(f"{server}/keyed/diff", tmp_path / "node", "de")
    assert "up auf Deutsch\n Ganz up." in node._run("apt-cache", "show", "up")
    assert "demo package plain" in node._run("apt-cache", "show", "plain")
    texts = keyed / "diff" / DIST / "main/i18n"
    assert [p.name for p in texts.iterdir()] == ["Translation-de"], "the other became empty"
    assert "same" not in (texts / "Translation-de").read_text()


def test_the_view_keeps_the_current_translations_whole(
    keyed: Path, server: str, tmp_path: Path
) -> None:
    build_diff(keyed / "base", keyed / "current", keyed / "whole-diff")
    build_view([keyed / "whole-diff", keyed / "base"], keyed / "view")
    for name in ("Translation-de", "Translation-fr"):
        own = (keyed / "current" / DIST / "main/i18n" / name).read_bytes()
        assert (keyed / "view" / DIST / "main/i18n" / name).read_bytes() == own
    node = node_of(f"{server}/keyed/view", tmp_path / "node", "de")
    assert "same auf Deutsch" in node._run("apt-cache", "show", "same")


def test_a_description_is_keyed_as_apt_ftparchive_does_it(folder: Path) -> None:
    short = short_index(folder / "current").strip().split("\n\n")
    whole = {e.package.name: e.stanza for e in read_apt(folder / "current").entries()}
    for text in short:
        name = text.split("\n")[0].removeprefix("Package: ")
        assert b"Description-md5" not in whole[name]
        assert description_md5(whole[name]) == description_md5(text.encode()), name
    assert len(short) == len(CURRENT)


def test_contents_are_carried_on_request(folder: Path) -> None:
    choice = IndexChoice(contents=True)
    out = folder / "with-contents"
    build_diff(folder / "base", folder / "current", out, DiffOptions(indexes=choice))
    text = gzip.decompress((out / DIST / "main/Contents-amd64.gz").read_bytes()).decode()
    rows = dict(line.rsplit(None, 1) for line in text.splitlines())
    assert rows == {"usr/share/plain/content": "plain", "usr/share/up/content": "up"}
    assert "main/Contents-amd64.gz" in (out / DIST / "Release").read_text()
    build_view([out, folder / "base"], folder / "contents-view")
    own = (folder / "current" / DIST / "main/Contents-amd64.gz").read_bytes()
    assert (folder / "contents-view" / DIST / "main/Contents-amd64.gz").read_bytes() == own


def test_dropped_indexes_are_reported(folder: Path, tmp_path: Path) -> None:
    repos = [str(folder / "base"), str(folder / "current")]
    dropped = [
        "contents main/Contents-amd64",
        "sources main/source/Sources",
        "udebs main/debian-installer/binary-amd64/Packages",
    ]

    def run(*words: str) -> str:
        return CliRunner().invoke(main, ["repo", *words]).stdout

    message = json.loads(run("diff", *repos, "-o", str(tmp_path / "a"), "--json"))
    assert message["dropped"] == dropped
    text = " ".join(run("diff", *repos, "-o", str(tmp_path / "b")).split())
    assert "dropped" in text
    assert "udebs main/debian-installer/binary-amd64/Packages" in text
    assert f"dropped: {', '.join(dropped)}" in run("report", *repos)
    more = ("--without-translations", "--with-contents", "--json")
    message = json.loads(run("diff", *repos, "-o", str(tmp_path / "c"), *more))
    assert message["dropped"] == [
        *dropped[1:2],
        *(f"translations main/i18n/Translation-{x}" for x in ("de", "fr")),
        dropped[2],
    ]
    assert not list((tmp_path / "c").rglob("Translation*"))


def test_a_translation_altered_against_release_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "current", tmp_path / "current")
    path = tmp_path / "current" / DIST / "main/i18n/Translation-de"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(BundleError, match=r"Translation-de: sha512 .* but Release says"):
        build_diff(folder / "base", tmp_path / "current", tmp_path / "out")
