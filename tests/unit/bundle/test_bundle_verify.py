"""Reading an untrusted tarball: complete and as sealed, or refused."""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.seal import SealedFile, SealedFiles, parse_seal, render_seal
from fuel_upgrade.bundle.unpack_tarball import below, unpack
from fuel_upgrade.bundle.verify import BundleHead, read_head
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.system import budgets
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.system.tree_digest import walk
from tests.builders import BASE_VERSION, VERSION, make_tarball

INIT = f"upgrade/puppet/{VERSION}/modules/nova/manifests/init.pp"
RUN = f"upgrade/puppet/{VERSION}/modules/nova/run"
LINK = f"upgrade/puppet/{VERSION}/manifests/site.pp"
Members = dict[str, tuple[tarfile.TarInfo, bytes]]
Change = Callable[[Members], object]


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tarball(tmp_path_factory.mktemp("bundle"))


def unpack_into(folder: Path, head: BundleHead) -> None:
    unpack(head, below(folder), progress=no_progress)


def test_the_header_describes_the_tarball(tarball: Path) -> None:
    head = read_head(tarball)
    assert (head.fuel_version, head.description.upgrade_from) == ("6.0", ("5.1", "5.1.1"))
    assert [(r.version, r.os_key) for r in head.releases] == [
        (VERSION, "centos"),
        (VERSION, "ubuntu"),
    ]
    assert head.diff_releases == {VERSION: BASE_VERSION}
    assert head.repo(VERSION, "ubuntu").suite == "precise"
    assert head.repo(VERSION, "centos").base == BASE_VERSION
    printed = head.to_json()
    assert printed["files"] == len(head.sealed) + 1
    assert printed["bytes"] == tarball.stat().st_size
    assert (printed["signed"], printed["fuel_version"]) == (False, "6.0")


def end_of_head(tarball: Path) -> int:
    with tarfile.open(tarball) as archive:
        return min(member.offset for member in archive if not manifest.is_head(member.name))


def test_the_header_is_read_and_nothing_after_it(tarball: Path, tmp_path: Path) -> None:
    cut = tmp_path / "header.tar"
    cut.write_bytes(tarball.read_bytes()[: end_of_head(tarball) + 512])  # one more tar header
    head = read_head(cut)
    assert head.sealed == read_head(tarball).sealed
    with pytest.raises(BundleError, match="cut short"):
        unpack_into(tmp_path / "out", head)


def test_a_cut_within_the_head_is_refused(tarball: Path, tmp_path: Path) -> None:
    data = tarball.read_bytes()
    for length in (0, 100, 512, 5000, end_of_head(tarball) - 1):
        (tmp_path / "t.tar").write_bytes(data[:length])
        with pytest.raises(BundleError):
            read_head(tmp_path / "t.tar")


class CountingSeal(SealedFiles):
    """A seal that counts how often it is summed."""

    sums = 0

    @property
    def total_bytes(self) -> int:
        self.sums += 1
        return super().total_bytes


def test_the_seal_is_not_summed_again_for_each_member(tarball: Path, tmp_path: Path) -> None:
    head = read_head(tarball)
    sealed = CountingSeal()
    for path, file in head.sealed.items():
        sealed.append(path, file)
    assert len(sealed) > 5
    unpack_into(tmp_path, replace(head, sealed=sealed))
    assert sealed.sums == 1


def test_unpacking_writes_exactly_the_sealed_files(tarball: Path, tmp_path: Path) -> None:
    head = read_head(tarball)
    message: list[tuple[str, int, int]] = []
    unpack(head, below(tmp_path), progress=lambda *what: message.append(what))
    written = {
        str(p.relative_to(tmp_path)) for p in walk(tmp_path) if p.is_symlink() or p.is_file()
    }
    assert written == set(head.sealed)
    assert (tmp_path / LINK).read_text() == "class nova {}\n"
    assert str((tmp_path / LINK).readlink()) == "../modules/nova/manifests/init.pp"
    assert (tmp_path / RUN).stat().st_mode & 0o777 == 0o755
    assert (tmp_path / INIT).stat().st_mode & 0o777 == 0o644
    assert [done for _, done, _ in message] == sorted(done for _, done, _ in message)


def test_each_file_goes_where_the_route_says(tarball: Path, tmp_path: Path) -> None:
    requested: list[str] = []

    def route(path: str) -> tuple[Path, str]:
        requested.append(path)
        return tmp_path, str(len(requested))

    head = read_head(tarball)
    unpack(head, route, progress=no_progress)
    assert sorted(requested) == sorted(head.sealed)
    assert len(list(tmp_path.iterdir())) == len(requested)


def rewritten(tarball: Path, target: Path, change: Change) -> Path:
    """Write the tarball anew with members changed, and the seal as it was."""
    with tarfile.open(tarball) as archive:
        members: Members = {}
        for info in archive:
            file = archive.extractfile(info) if info.isreg() else None
            members[info.name] = (info, file.read() if file else b"")
    change(members)
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, (info, data) in members.items():
            info.name, info.size = name, len(data)
            archive.addfile(info, io.BytesIO(data))
    return target


def set_data(name: str, edit: Callable[[bytes], bytes]) -> Change:
    def change(members: Members) -> None:
        members[name] = (members[name][0], edit(members[name][1]))

    return change


def flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def add(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> Change:
    def change(members: Members) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        members[name] = (info, b"")

    return change


def set_mode(members: Members) -> None:
    members[RUN][0].mode = 0o644


def set_executable(members: Members) -> None:
    members[INIT][0].mode = 0o755


def set_link(members: Members) -> None:
    members[LINK][0].linkname = "../modules/nova/run"


def link_to_file(members: Members) -> None:
    members[LINK] = (tarfile.TarInfo(LINK), members[INIT][1])


def file_to_hard_link(members: Members) -> None:
    info = tarfile.TarInfo(RUN)
    info.type, info.linkname = tarfile.LNKTYPE, INIT
    members[RUN] = (info, b"")


def test_an_unchanged_rewrite_is_accepted(tarball: Path, tmp_path: Path) -> None:
    path = rewritten(tarball, tmp_path / "t.tar", lambda _: None)
    unpack_into(tmp_path / "out", read_head(path))


def test_members_for_folders_are_passed_over(tarball: Path, tmp_path: Path) -> None:
    path = rewritten(tarball, tmp_path / "t.tar", add("upgrade/other", tarfile.DIRTYPE))
    unpack_into(tmp_path / "out", read_head(path))
    assert not (tmp_path / "out/upgrade/other").exists()


def test_an_endless_header_is_not_read_into_memory(
    tarball: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "HEAD_BYTES", 1000)  # 64 MiB are no smallest input
    with pytest.raises(BundleError, match="its header is over"):
        read_head(tarball)


def test_a_tarball_of_small_files_only_has_a_head(tarball: Path, tmp_path: Path) -> None:
    def keep_head(members: Members) -> None:
        for name in [name for name in members if not manifest.is_head(name)]:
            del members[name]

    path = rewritten(tarball, tmp_path / "t.tar", keep_head)
    assert read_head(path).fuel_version == "6.0"


PAYLOAD: dict[str, tuple[Change, str]] = {
    "altered": (set_data(INIT, flip), "but the seal says"),
    "longer": (set_data(INIT, lambda data: data + b"x"), "but the seal says"),
    "extra": (add(f"upgrade/puppet/{VERSION}/extra"), "not as listed in the seal"),
    "extra_link": (add("l", tarfile.SYMTYPE, "x"), "not as listed in the seal"),
    "missing": (lambda members: members.pop(INIT), f"1 sealed files are missing, {INIT} first"),
    "mode": (set_mode, "another mode than the seal says"),
    "executable": (set_executable, "another mode than the seal says"),
    "link": (set_link, "not as listed in the seal"),
    "link_as_file": (link_to_file, "not as listed in the seal"),
    "hard_link": (file_to_hard_link, "not as listed in the seal"),
}


@pytest.mark.parametrize(("change", "what"), PAYLOAD.values(), ids=PAYLOAD)
def test_payload_that_is_not_as_sealed_is_refused(
    tarball: Path, tmp_path: Path, change: Change, what: str
) -> None:
    head = read_head(rewritten(tarball, tmp_path / "t.tar", change))
    with pytest.raises(BundleError) as caught:
        unpack_into(tmp_path / "out", head)
    assert what in caught.value.what


def reseal(edit: Callable[[dict[str, SealedFile]], object]) -> Change:
    def change(data: bytes) -> bytes:
        files = dict(parse_seal([data], source=""))
        edit(files)
        return render_seal(files)

    return set_data(manifest.SEAL, change)


def move_to_end(name: str) -> Change:
    return lambda members: members.__setitem__(name, members.pop(name))


def add_first(members: Members) -> None:
    rest = dict(members)
    members.clear()
    add("upgrade/config/extra.yaml")(members)
    members.update(rest)


HEAD: dict[str, tuple[Change, str]] = {
    "no_seal": (lambda members: members.pop(manifest.SEAL), "not sealed"),
    "late_seal": (move_to_end(manifest.SEAL), "not sealed"),
    "seal_damaged": (set_data(manifest.SEAL, lambda data: data[1:]), "the seal is malformed"),
    "altered": (set_data(manifest.VERSION, flip), "but the seal says"),
    "extra": (add_first, "not in the seal"),
    "no_version": (lambda members: members.pop(manifest.VERSION), "is not in its header"),
    "no_upgrade": (lambda members: members.pop(manifest.UPGRADE), "is not in its header"),
    "no_metadata": (lambda members: members.pop(manifest.METADATA), "is not in its header"),
    "metadata_as_payload": (move_to_end(manifest.METADATA), "is not in its header"),
}


@pytest.mark.parametrize(("change", "what"), HEAD.values(), ids=HEAD)
def test_a_head_that_is_not_as_sealed_is_refused(
    tarball: Path, tmp_path: Path, change: Change, what: str
) -> None:
    with pytest.raises(BundleError) as caught:
        read_head(rewritten(tarball, tmp_path / "t.tar", change))
    assert what in caught.value.what


def test_a_seal_of_a_file_that_is_not_there_is_noticed(tarball: Path, tmp_path: Path) -> None:
    more = reseal(lambda files: files.update({"upgrade/x": SealedFile(0, "00" * 32)}))
    head = read_head(rewritten(tarball, tmp_path / "t.tar", more))
    with pytest.raises(BundleError, match="1 sealed files are missing, upgrade/x first"):
        unpack_into(tmp_path / "out", head)


def test_a_sealed_link_out_of_its_part_is_refused_all_the_same(
    tarball: Path, tmp_path: Path
) -> None:
    target = "../../../config/version.yaml"

    def change(members: Members) -> None:
        members[LINK][0].linkname = target
        reseal(lambda files: files.update({LINK: SealedFile(28, "00" * 32, link_target=target)}))(
            members
        )

    head = read_head(rewritten(tarball, tmp_path / "t.tar", change))
    with pytest.raises(BundleError, match=r"version\.yaml', outside its part"):
        unpack_into(tmp_path / "out", head)
    assert not (tmp_path / "out" / LINK).is_symlink()


def test_a_seal_changed_since_the_head_was_read_is_noticed(tarball: Path, tmp_path: Path) -> None:
    path = rewritten(tarball, tmp_path / "t.tar", lambda _: None)
    head = read_head(path)
    rewritten(tarball, path, reseal(lambda files: files.pop(INIT)))
    with pytest.raises(BundleError, match="changed since the tarball was opened"):
        unpack_into(tmp_path / "out", head)


def resealed_text(name: str, old: str | bytes, new: str | bytes) -> Change:
    """Change a description and its line in the seal: well sealed, but at odds with the rest."""

    def change(members: Members) -> None:
        set_data(name, lambda data: data.replace(as_bytes(old), as_bytes(new)))(members)
        data = members[name][1]
        line = SealedFile(len(data), hashlib.sha256(data).hexdigest())
        reseal(lambda files: files.update({name: line}))(members)

    return change


def as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def seal_also(name: str) -> Change:
    return reseal(lambda files: files.update({name: SealedFile(0, "00" * 32)}))


AT_ODDS: dict[str, tuple[Change, str]] = {
    "base": (
        resealed_text(manifest.METADATA, BASE_VERSION, "2014.1.2-5.1"),
        "is a diff of 2014.1.2-5.1, upgrade/config/upgrade.yaml says 2014.1.1-5.1",
    ),
    "no_base": (resealed_text(manifest.METADATA, VERSION, "2014.3-7.0"), "is a diff of None"),
    "release": (
        resealed_text(f"upgrade/releases/{VERSION}.yaml", "CentOS", "Debian"),
        f"a repo of {VERSION} for centos, but no such release",
    ),
    "format": (resealed_text(manifest.UPGRADE, "format: 1", "format: 9"), "format 9, expected 1"),
    "fuel_version": (
        resealed_text(manifest.VERSION, "6.0", "version.yaml"),
        "expected VERSION with a release",
    ),
    **{
        f"place {name}": (seal_also(name), f"{name}: of no re")
        for name in (
            "upgrade/puppet/modules/x.pp",
            "upgrade/puppet/puppet.conf",
            f"upgrade/puppet/{VERSION}",
            "upgrade/release_versions/version.yaml",
            f"upgrade/release_versions/{VERSION}.yaml/x",
            f"upgrade/release_versions/{VERSION}",
            f"upgrade/repos/{VERSION}/debian/x86_64/x",
            f"upgrade/repos/{VERSION}/ubuntu/x",
        )
    },
    "no_text": (resealed_text(manifest.VERSION, b"6.0", b"\xff"), "not UTF-8 text"),
}


@pytest.mark.parametrize(("change", "what"), AT_ODDS.values(), ids=AT_ODDS)
def test_descriptions_at_odds_are_refused(
    tarball: Path, tmp_path: Path, change: Change, what: str
) -> None:
    with pytest.raises(BundleError) as caught:
        read_head(rewritten(tarball, tmp_path / "t.tar", change))
    assert what in caught.value.what


def test_another_file_than_a_tarball_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x" * 1000)
    with pytest.raises(BundleError, match="not a tar archive"):
        read_head(tmp_path / "text")
    with pytest.raises(ConfigError, match="no such file"):
        read_head(tmp_path / "nothing")
    with pytest.raises(ConfigError, match="expected a regular file"):
        read_head(tmp_path)


def test_any_cut_of_the_payload_is_refused(tarball: Path, tmp_path: Path) -> None:
    data = tarball.read_bytes()
    head_end = end_of_head(tarball) + 512
    for number, length in enumerate(range(head_end, len(data) - 1024, 5003)):
        path = tmp_path / "t.tar"
        path.write_bytes(data[:length])
        with pytest.raises(BundleError):
            unpack_into(tmp_path / str(number), read_head(path))


def test_a_tarball_that_becomes_shorter_is_reported_as_changing(
    tarball: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.tar"
    copy.write_bytes(tarball.read_bytes())
    head = read_head(copy)
    os.truncate(copy, head.size_bytes // 2)
    with pytest.raises(BundleError) as caught:
        unpack_into(tmp_path / "out", head)
    sizes = f"it had {head.size_bytes} bytes and has {head.size_bytes // 2} now"
    assert caught.value.what == f"{copy}: still changing: {sizes}"
