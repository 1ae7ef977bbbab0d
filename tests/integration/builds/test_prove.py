"""A diff repo is proved only if it and its base are the release; every difference is reported."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.repo import AptRepo, read_apt
from fuel_upgrade.repo.apt.write_indexes import write_apt_indexes
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.description import FILE_NAME, DiffDescription
from fuel_upgrade.repo.package import Identity, RepoKind, fingerprint_of
from fuel_upgrade.repo.proof.prove import SHOWN, Fault, FaultKind, Proof, prove_alone
from fuel_upgrade.repo.proof.read_proof import Suites, prove_repos
from fuel_upgrade.repo.repo import Entry
from fuel_upgrade.repo.repo_contents import Holding, hidden
from fuel_upgrade.system.progress import no_progress
from tests.builders import Fake, apt_repo, spec_of, write_parts, yum_repo

NATIVE = "amd64"
BASE = (
    Fake("same"),
    Fake("kept", architecture=NATIVE),
    Fake("rebuilt", content="one"),
    Fake("gone"),
)
CURRENT = (
    Fake("same"),
    Fake("kept", architecture=NATIVE),
    Fake("rebuilt", content="two"),
    Fake("new", "1.0-1"),
    Fake("new", "2.0-1"),
    Fake("far", architecture="i386", component="universe"),
)
BOTH = ("amd64", "i386")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    parts = ("main", "universe")
    return (
        apt_repo(tmp_path / "base", BASE, architectures=BOTH, components=parts),
        apt_repo(tmp_path / "current", CURRENT, architectures=BOTH, components=parts),
    )


def proof_of(base: Path, diff: Path, current: Path) -> Proof:
    return prove_repos(base, diff, current, suites=Suites())[0]


def faults_of(proof: Proof) -> set[tuple[FaultKind, str, str]]:
    return {(fault.kind, fault.what.split(" ")[0], fault.where) for fault in proof.faults}


def edit(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text, count=1, flags=re.MULTILINE)
        assert count, pattern
    path.write_text(text)


@pytest.mark.parametrize("make", [apt_repo, yum_repo])
def test_every_built_repo_is_proved(tmp_path: Path, make: Callable[..., Path]) -> None:
    plain = [fake for fake in CURRENT if fake.component == "main"]
    base, current = make(tmp_path / "base", BASE), make(tmp_path / "current", plain)
    build_diff(base, current, tmp_path / "diff")
    proof = proof_of(base, tmp_path / "diff", current)
    assert proof.proved, proof.faults
    assert (proof.release, proof.carried, proof.inherited) == (5, 3, 2)


def test_every_entry_of_every_index_is_counted(pair: tuple[Path, Path], tmp_path: Path) -> None:
    build_diff(*pair, tmp_path / "diff")
    proof = proof_of(pair[0], tmp_path / "diff", pair[1])
    assert proof.proved, proof.faults
    assert proof.index_entries == 4 * 2 + 2  # those for all architectures stand in both indexes


def test_a_stanza_lost_everywhere_is_missing(pair: tuple[Path, Path], tmp_path: Path) -> None:
    build_diff(*pair, tmp_path / "diff")
    rewrite(tmp_path / "diff", lambda entry: entry[0] != "rebuilt")
    assert faults_of(proof_of(pair[0], tmp_path / "diff", pair[1])) == {
        (FaultKind.MISSING, "rebuilt", "")
    }


def test_a_stanza_lost_in_one_architecture_is_named(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    build_diff(*pair, tmp_path / "diff")
    rewrite(tmp_path / "diff", lambda entry: entry[:2] != ("rebuilt", "i386"))
    assert faults_of(proof_of(pair[0], tmp_path / "diff", pair[1])) == {
        (FaultKind.LOST, "rebuilt", "main/binary-i386")
    }


def rewrite(root: Path, keep: Callable[[tuple[str, str]], bool]) -> None:
    """Drop entries from the indexes of a diff repo, which stay valid otherwise."""
    repo = read_apt(root)
    kept = [e for e in repo.entries() if keep((e.package.name, e.index_architecture))]
    write_apt_indexes(repo, kept, root, label="x")


def test_a_package_that_the_release_lacks_is_extra(pair: tuple[Path, Path], tmp_path: Path) -> None:
    build_diff(*pair, tmp_path / "diff")
    smaller = apt_repo(
        tmp_path / "smaller", CURRENT[:3], architectures=BOTH, components=("main", "universe")
    )
    faults = faults_of(proof_of(pair[0], tmp_path / "diff", smaller))
    assert {(FaultKind.EXTRA, "new", ""), (FaultKind.EXTRA, "far", "")} <= faults


def test_a_base_without_the_inherited_content_is_refused(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    build_diff(*pair, tmp_path / "diff")
    other = apt_repo(
        tmp_path / "other", BASE[1:], architectures=BOTH, components=("main", "universe")
    )
    faults = faults_of(proof_of(other, tmp_path / "diff", pair[1]))
    assert (FaultKind.NOT_IN_BASE, "same", "") in faults
    assert (FaultKind.DESCRIPTION, "base_fingerprint", "") in faults


def test_a_missing_index_is_reported(pair: tuple[Path, Path], tmp_path: Path) -> None:
    build_diff(*pair, tmp_path / "diff")
    for path in (tmp_path / "diff/dists/precise/universe").rglob("Packages*"):
        path.unlink()
    for folder in ("binary-amd64", "binary-i386", ""):
        (tmp_path / "diff/dists/precise/universe" / folder).rmdir()
    faults = faults_of(proof_of(pair[0], tmp_path / "diff", pair[1]))
    assert (FaultKind.LOST, "the", "universe/binary-amd64") in faults
    assert (FaultKind.MISSING, "far", "") in faults


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            (r"^base_fingerprint: sha256:.*", f"base_fingerprint: sha256:{'0' * 64}"),
            "base_fingerprint",
        ),
        (
            (r"^result_fingerprint: sha256:.*", f"result_fingerprint: sha256:{'0' * 64}"),
            "result_fingerprint",
        ),
        ((r"^carried_bytes: .*", "carried_bytes: 1"), "carried_bytes"),
        ((r"^  carried: 4$", "  carried: 4\n  restored: 0"), "counts.restored"),
        ((r"^- gone all 1.0-1$", "- other all 1.0-1"), "removed"),
        ((r"^- rebuilt all .*$", "- rebuilt all 9"), "rebuilt"),
        ((r"^  rebuilt rebuilt all .*$", "  rebuilt x all 1 1 - 1 1 - -"), "changes"),
    ],
)
def test_an_altered_description_is_named(
    pair: tuple[Path, Path], tmp_path: Path, change: tuple[str, str], named: str
) -> None:
    build_diff(*pair, tmp_path / "diff")
    edit(tmp_path / "diff" / FILE_NAME, change)
    faults = faults_of(proof_of(pair[0], tmp_path / "diff", pair[1]))
    assert faults == {(FaultKind.DESCRIPTION, named, "")}


def test_an_altered_inheritance_is_named(pair: tuple[Path, Path], tmp_path: Path) -> None:
    build_diff(*pair, tmp_path / "diff")
    edit(tmp_path / "diff" / FILE_NAME, (r"^  same all 1.0-1 .*$", "  same all 1.0-1 abc"))
    assert faults_of(proof_of(pair[0], tmp_path / "diff", pair[1])) == {
        (FaultKind.MISSING, "same", ""),
        (FaultKind.EXTRA, "same", ""),
        (FaultKind.NOT_IN_BASE, "same", ""),
    }


def test_a_description_of_an_older_version_is_proved_without_changes(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    build_diff(*pair, tmp_path / "diff")
    path = tmp_path / "diff" / FILE_NAME
    description = DiffDescription.parse(path.read_text(), source="diff.yaml")
    path.write_text(re.sub(r"(?s)^changes: .*?(?=^inherited)", "", path.read_text(), flags=re.M))
    assert DiffDescription.parse(path.read_text(), source="x") == replace(description, changes=())
    assert proof_of(pair[0], tmp_path / "diff", pair[1]).proved


def test_a_package_of_the_base_that_some_nodes_do_not_see_is_carried(tmp_path: Path) -> None:
    """It is for all architectures, but the base lists it for one: by identity alone it is there."""
    base = apt_repo(tmp_path / "base", [Fake("same")], architectures=("amd64",))
    current = apt_repo(tmp_path / "current", [Fake("same")], architectures=BOTH)
    description = build_diff(base, current, tmp_path / "diff")
    assert (description.counts["carried"], description.counts["inherited"]) == (1, 0)
    assert proof_of(base, tmp_path / "diff", current).proved


ONE: Identity = "one all 1 aa"
TWO: Identity = "two all 1 bb"


def held(**indexes: Identity) -> Holding:
    return Holding({("main", name): frozenset([one]) for name, one in indexes.items()})


@pytest.mark.parametrize(
    ("base", "current", "lost"),
    [
        (held(amd64=ONE), held(amd64=ONE), set()),
        (held(amd64=ONE), held(amd64=ONE, i386=ONE), {"i386"}),
        (held(amd64=ONE, i386=TWO), held(amd64=ONE, i386=ONE), {"i386"}),
        (held(all=ONE, amd64=TWO), held(amd64=ONE, i386=ONE), set()),
        (held(amd64=ONE), held(all=ONE, amd64=TWO), set()),
        (held(amd64=ONE), held(all=ONE, amd64=TWO, i386=TWO), {"all"}),
        (Holding({("", "amd64"): frozenset([ONE])}, frozenset([ONE])), held(i386=ONE), set()),
    ],
)
def test_packages_that_a_node_does_not_read_are_hidden(
    base: Holding, current: Holding, lost: set[str]
) -> None:
    assert hidden(base, current) == {architecture: {ONE} for architecture in lost}


def described(own: Holding, **other: Any) -> DiffDescription:
    description = DiffDescription(
        RepoKind.APT, "sha256", "sha256:0", fingerprint_of(own.content, "sha256"),
        {"carried": len(own.own), "inherited": len(own.inherited)}, 0, 0, (), (), (), (),
    )  # fmt: skip
    return replace(description, **other)


def test_a_ready_diff_repo_is_proved_by_its_own_description() -> None:
    own = Holding({("main", "amd64"): frozenset([ONE])}, frozenset([TWO]))
    assert prove_alone(own, described(own)).proved
    wrong = prove_alone(own, described(own, result_fingerprint="sha256:1"))
    assert faults_of(wrong) == {(FaultKind.DESCRIPTION, "result_fingerprint", "")}
    counted = prove_alone(own, described(own, counts={"carried": 1, "inherited": 2}))
    assert faults_of(counted) == {(FaultKind.DESCRIPTION, "counts.inherited", "")}
    twice = Holding(own.indexes, frozenset([ONE]))
    assert faults_of(prove_alone(twice, described(twice))) == {(FaultKind.TWICE, "one", "")}


def test_an_error_names_twenty_and_counts_the_rest() -> None:
    faults = tuple(Fault(FaultKind.MISSING, f"p{n} all 1") for n in range(SHOWN + 3))
    with pytest.raises(BundleError) as caught:
        Proof("expat", "sha256", 1, 1, 0, 1, faults).require("diff")
    assert "23 fault(s)" in caught.value.what
    assert caught.value.what.count(" all 1: missing") == SHOWN
    assert caught.value.what.endswith("and 3 more")


@pytest.mark.parametrize("place", ["out", "deep/out"])
def test_a_build_that_loses_a_stanza_leaves_nothing(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def lossy(repo: AptRepo, entries: list[Entry], out: Path, *, label: str, **_: object) -> None:
        write_apt_indexes(repo, entries[1:], out, label=label)

    monkeypatch.setattr(AptRepo, "write_indexes", lossy)  # the proof is for a fault of the writer
    with pytest.raises(BundleError, match=r"new all 1\.0-1 .*LOST|carried, but not in an index"):
        build_diff(*pair, tmp_path / place, DiffOptions())
    assert not (tmp_path / place).exists()
    assert not list((tmp_path / place).parent.glob(".*"))


def test_a_ready_diff_repo_with_a_false_description_is_not_packed(tmp_path: Path) -> None:
    data = write_parts(tmp_path)
    build_diff(tmp_path / "ubuntu-base", tmp_path / "ubuntu", tmp_path / "ready")
    data["releases"][0]["repos"]["ubuntu"] = {"diff": "ready"}
    build_bundle(spec_of(data, tmp_path), tmp_path / "good.tar", progress=no_progress)
    edit(tmp_path / "ready" / FILE_NAME, (r"^  same all 1.0-1 .*$", "  same all 1.0-1 abc"))
    with pytest.raises(BundleError, match="result_fingerprint expected"):
        build_bundle(spec_of(data, tmp_path), tmp_path / "bad.tar", progress=no_progress)
    assert not (tmp_path / "bad.tar").exists()
