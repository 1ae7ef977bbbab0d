"""Groups, modules and advisories that a diff repo carries, and their form."""

from pathlib import Path

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.fullview.squash import squash
from fuel_upgrade.repo.fullview.view import build_view
from fuel_upgrade.repo.yum.extras import Extras, read_extras
from fuel_upgrade.repo.yum.modules import NO_STREAM, parse_modules, select_modules
from fuel_upgrade.repo.yum.repo import YumRepo
from tests.builders import Fake, write, yum_repo
from tests.yum_extras import (
    COMPRESSIONS,
    FILES,
    advisory,
    comps,
    default,
    listed,
    rewrite,
    stream,
    updates,
)

SAME, NEW = Fake("same"), Fake("new", "1:2.0-1")
GROUPS = {"group": comps({"core": ["same"]})}
ALL = {**GROUPS, "modules": stream("m", "1"), "updateinfo": updates(advisory("A", "new-1-1"))}
KINDS = ("group", "modules", "updateinfo")


def repo(root: Path, extras: dict[str, str], *fakes: Fake) -> Path:
    return rewrite(yum_repo(root, fakes), extras)


def extras_of(root: Path) -> Extras:
    return read_extras(YumRepo.read(root))


def diff_of(folder: Path, base: dict[str, str], current: dict[str, str]) -> Extras:
    """Return what the diff repo of two repos says, of which the current one has ``new`` besides."""
    repo(folder / "base", base, SAME)
    repo(folder / "current", current, SAME, NEW)
    build_diff(folder / "base", folder / "current", folder / "diff")
    return extras_of(folder / "diff")


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("suffix", ["", "_gz"])
def test_every_compression_is_read(tmp_path: Path, compression: str, suffix: str) -> None:
    root = yum_repo(tmp_path, [SAME])
    selected = extras_of(rewrite(root, ALL, compression=compression, suffix=suffix))
    assert selected.groups == ALL["group"].encode()
    assert [d.identity[:2] for d in selected.modules] == [("m", "1")]
    assert [record.id for record in selected.advisories] == ["A"]


@pytest.mark.parametrize("checksum", ["sha256", "sha512", "sha384", "sha1", "sha", "md5"])
def test_every_checksum_is_checked(tmp_path: Path, checksum: str) -> None:
    root = rewrite(yum_repo(tmp_path, [SAME]), ALL, checksum=checksum)
    assert set(YumRepo.read(root).extras) == set(KINDS)
    path = root / listed(root)["group"][0]
    data = path.read_bytes()
    write(path, bytes([data[0] ^ 1]) + data[1:])
    name = "sha1" if checksum == "sha" else checksum
    with pytest.raises(BundleError, match=rf"comps\.xml\.gz: {name} .*, but repomd"):
        YumRepo.read(root)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_additional_data_is_refused(tmp_path: Path, kind: str) -> None:
    root = repo(tmp_path, ALL, SAME)
    with (root / listed(root)[kind][0]).open("ab") as file:
        file.write(b"x")
    with pytest.raises(BundleError, match=rf"{FILES[kind]}\.gz: sha256 .*, but repomd\.xml says"):
        YumRepo.read(root)


def test_a_wrong_size_is_refused(tmp_path: Path) -> None:
    root = repo(tmp_path, {}, SAME)
    path = root / "repodata/repomd.xml"
    write(path, path.read_text().replace("<size>", "<size>1", 1))
    with pytest.raises(BundleError, match=r"primary\.xml\.gz: \d+ bytes, but repomd\.xml says 1"):
        YumRepo.read(root)


@pytest.mark.parametrize("kind", KINDS)
def test_data_that_is_listed_but_missing_counts_as_none(tmp_path: Path, kind: str) -> None:
    root = repo(tmp_path, ALL, SAME)
    name = listed(root)[kind][0]
    (root / name).unlink()
    assert kind not in extras_of(root).render()
    assert YumRepo.read(root).unreadable == (f"{kind} {name}: missing, but repomd.xml lists it",)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("modules", "---\nx: [\n"),
        ("modules", "--- a\x1bb\n"),
        ("updateinfo", "<updates><update"),
        ("updateinfo", updates(advisory("A", "a-1-1", title="\x1b"))),
        ("group", comps({"\x1b": ["a"]})),
        ("group", "<comps>"),
        ("group", "<?xml version='1.0' encoding='shift_jis'?><comps/>"),
        ("group", "<?xml version='1.0' encoding='nonsense'?><comps/>"),
    ],
)
def test_malformed_data_counts_as_none(tmp_path: Path, kind: str, text: str) -> None:
    root = repo(tmp_path, {**ALL, kind: text}, SAME)
    assert set(extras_of(root).render()) == {*KINDS} - {kind}
    (fault,) = YumRepo.read(root).unreadable
    assert fault.startswith(f"{kind} {listed(root)[kind][0]}: ")
    assert str(tmp_path) not in fault


def test_a_document_that_is_no_module_metadata_is_carried_and_the_others_are_read() -> None:
    text = "--- 1\n" + stream("web", "1", "web-0:1.0-1.noarch") + "---\ndocument: modulemd\n...\n"
    documents = parse_modules(text, source="modules")
    assert [document.module for document in documents] == ["", "web", ""]
    chosen = select_modules(documents, documents[:1], documents[:1], ())
    assert chosen == documents[1:]


def test_module_metadata_nested_too_deeply_are_refused_before_they_end_the_process() -> None:
    with pytest.raises(BundleError, match=r"^modules: malformed YAML: line 1, column \d+: "):
        parse_modules("[" * 200_000, source="modules")


def test_module_metadata_without_documents_is_none(tmp_path: Path) -> None:
    assert extras_of(repo(tmp_path, {"modules": "---\n...\n"}, SAME)) == Extras()


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_diff_repo_has_the_compression_of_the_current_repo(
    tmp_path: Path, compression: str
) -> None:
    repo(tmp_path / "base", {}, SAME)
    rewrite(yum_repo(tmp_path / "current", [SAME, NEW]), ALL, compression=compression)
    build_diff(tmp_path / "base", tmp_path / "current", tmp_path / "diff")
    selected = listed(tmp_path / "diff")
    assert set(selected) == {"primary", "filelists", "other", *KINDS}
    assert all(name.endswith(f".{compression}") for name, _ in selected.values())
    YumRepo.read(tmp_path / "diff")


@pytest.mark.parametrize(
    ("current", "written"), [("sha512", "sha512"), ("sha384", "sha384"), ("sha", "sha256")]
)
def test_a_diff_repo_has_the_checksums_of_the_current_repo_but_no_older_ones_than_sha256(
    tmp_path: Path, current: str, written: str
) -> None:
    repo(tmp_path / "base", {}, SAME)
    rewrite(yum_repo(tmp_path / "current", [SAME, NEW]), ALL, checksum=current)
    build_diff(tmp_path / "base", tmp_path / "current", tmp_path / "diff")
    assert {kind for _, kind in listed(tmp_path / "diff").values()} == {written}
    assert len(YumRepo.read(tmp_path / "diff").extras) == 3


def test_a_diff_repo_without_any_of_these_lists_none(tmp_path: Path) -> None:
    assert diff_of(tmp_path, {}, {}) == Extras()
    assert set(listed(tmp_path / "diff")) == {"primary", "filelists", "other"}


def test_groups_are_carried_whole_and_unchanged(tmp_path: Path) -> None:
    assert diff_of(tmp_path, GROUPS, GROUPS).groups == GROUPS["group"].encode()


def test_a_release_without_groups_says_so_over_a_base_that_has_some(tmp_path: Path) -> None:
    selected = diff_of(tmp_path, GROUPS, {}).groups
    assert selected is not None
    assert b"<group>" not in selected
    repo(tmp_path / "next", {}, SAME)
    build_diff(tmp_path / "diff", tmp_path / "next", tmp_path / "next-diff")
    assert extras_of(tmp_path / "next-diff").groups == selected


def test_a_base_that_does_not_tell_its_groups_may_have_some(tmp_path: Path) -> None:
    repo(tmp_path / "base", GROUPS, SAME)
    repo(tmp_path / "middle", {}, SAME, NEW)
    build_diff(tmp_path / "base", tmp_path / "middle", tmp_path / "a", DiffOptions(original=False))
    (tmp_path / "a/repodata").rename(tmp_path / "unused")
    yum_repo(tmp_path / "a", [NEW])  # as an older version wrote it
    repo(tmp_path / "current", {}, SAME)
    build_diff(tmp_path / "a", tmp_path / "current", tmp_path / "diff")
    assert extras_of(tmp_path / "diff").groups is not None


def test_new_advisories_and_those_about_carried_packages_are_carried(
    tmp_path: Path,
) -> None:
    same, about_new = advisory("SAME", "same-1.0-1"), advisory("NEW", "new-1:2.0-1")
    other_epoch = advisory("EPOCH", "new-2.0-1")
    changed = advisory("CHANGED", "same-1.0-1")
    base = updates(same, about_new, other_epoch, changed, advisory("GONE", "new-1:2.0-1"))
    added = advisory("ADDED", "same-1.0-1")
    reworded = advisory("CHANGED", "same-1.0-1", title="another")
    current = updates(same, about_new, other_epoch, reworded, added)
    selected = diff_of(tmp_path, {"updateinfo": base}, {"updateinfo": current}).advisories
    assert [(r.id, r.title) for r in selected] == [
        ("NEW", "title"),
        ("CHANGED", "another"),
        ("ADDED", "title"),
    ]


def test_new_streams_and_those_of_carried_packages_are_carried(
    tmp_path: Path,
) -> None:
    kept = stream("kept", "1", "same-0:1.0-1.noarch") + default("kept", "1")
    ours = stream("ours", "1.10", "new-1:2.0-1.noarch") + default("ours", "1.10")
    changed = stream("changed", "1", "x-0:1-1.noarch")
    base = kept + ours + changed
    current = kept + ours + stream("changed", "1", "y-0:1-1.noarch") + stream("added", "1")
    selected = diff_of(tmp_path, {"modules": base}, {"modules": current}).modules
    assert [(d.kind, *d.identity[:2]) for d in selected] == [
        ("modulemd", "ours", "1.10"),
        ("modulemd-defaults", "ours"),
        ("modulemd", "changed", "1"),
        ("modulemd", "added", "1"),
    ]
    assert selected[1].default == "1.10"


@pytest.mark.parametrize(
    ("current", "stream_name", "modified"),
    [
        (default("m", "2", 5), "2", 11),  # older, yet it must count
        (default("m", "2", 20), "2", 20),
        (default("m", "", 20), NO_STREAM, 20),  # no stream would leave the base's
        ("", NO_STREAM, 11),
    ],
)
def test_defaults_count_over_those_of_the_base(
    current: str, stream_name: str, modified: int
) -> None:
    base = parse_modules(default("m", "1", 10), source="base")
    (selected,) = select_modules(parse_modules(current, source="current"), base, base, ())
    assert (selected.default, selected.modified) == (stream_name, modified)
    assert "'1': []" in selected.text  # else stream 1 would keep its default profile
    assert parse_modules(selected.text, source="again") == (selected,)


def test_carrying_a_document_keeps_its_content() -> None:
    text = stream("m", "1.10", "a-0:1-1.noarch", version=20210101000000)
    (selected,) = parse_modules(text, source="x")
    assert "stream: 1.10\n" in selected.text
    assert "version: 20210101000000\n" in selected.text
    assert parse_modules(selected.text, source="again") == (selected,)


@pytest.mark.parametrize("original", [True, False])
def test_views_and_squashed_repos_keep_them(tmp_path: Path, *, original: bool) -> None:
    repo(tmp_path / "base", {**ALL, "group": comps({"old": ["same"]})}, SAME)
    repo(tmp_path / "current", {**ALL, "modules": ALL["modules"] + stream("m", "2")}, SAME, NEW)
    options = DiffOptions(original=original)
    build_diff(tmp_path / "base", tmp_path / "current", tmp_path / "diff", options)
    expected = extras_of(tmp_path / "current")
    for make in (build_view, squash):
        out = tmp_path / make.__name__
        make([tmp_path / "diff", tmp_path / "base"], out)
        selected = extras_of(out)
        assert selected.groups == expected.groups
        assert {d.text for d in selected.modules} == {d.text for d in expected.modules}
        assert [r.id for r in selected.advisories] == ["A"]
        if original:
            names = sorted(p.name for p in (tmp_path / "current/repodata").iterdir())
            assert sorted(p.name for p in (out / "repodata").iterdir()) == names
            for name in names:
                kept = (out / "repodata" / name).read_bytes()
                assert kept == (tmp_path / "current/repodata" / name).read_bytes()


def test_the_same_extras_give_the_same_bytes(tmp_path: Path) -> None:
    repo(tmp_path / "base", {}, SAME)
    repo(tmp_path / "current", ALL, SAME, NEW)
    for name in ("one", "two"):
        build_diff(tmp_path / "base", tmp_path / "current", tmp_path / name)
    one, two = (
        {p.name: p.read_bytes() for p in (tmp_path / name / "repodata").iterdir()}
        for name in ("one", "two")
    )
    assert one == two
