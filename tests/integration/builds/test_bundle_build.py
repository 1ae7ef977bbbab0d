"""Building a tarball from its parts."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
import zstandard

from fuel_upgrade.bundle.pack import BundleSummary, build_bundle
from fuel_upgrade.bundle.verify import read_head
from fuel_upgrade.errors import BundleError, ConfigError, UpgradeError
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.system.tree_digest import digest
from tests.builders import (
    BASE_VERSION,
    VERSION,
    Fake,
    apt_repo,
    openstack_yaml,
    spec_of,
    write,
    write_parts,
)

Change = Callable[[Path, dict[str, Any]], object]
PUPPET = "puppet/modules/nova"


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    return tmp_path / "parts"


def build(parts: Path, data: dict[str, Any], out: Path) -> BundleSummary:
    return build_bundle(spec_of(data, parts), out, progress=no_progress)


def names(path: Path) -> list[str]:
    with tarfile.open(path) as archive:
        return archive.getnames()


def test_the_summary_names_what_the_diff_repos_lack(tmp_path: Path, parts: Path) -> None:
    data = write_parts(parts)
    (parts / "centos/repodata/other.xml.gz").unlink()
    dropped = f"{VERSION} centos: other repodata/other.xml.gz: missing, but repomd.xml lists it"
    assert build(parts, data, tmp_path / "out.tar").to_json()["dropped"] == [dropped]


def test_a_tarball_leads_with_its_small_files(tmp_path: Path, parts: Path) -> None:
    summary = build(parts, write_parts(parts), tmp_path / "out.tar")
    ubuntu, centos = (f"upgrade/repos/{VERSION}/{name}/x86_64" for name in ("ubuntu", "centos"))
    listing = names(tmp_path / "out.tar")
    assert listing[:9] == [
        "upgrade/seal/targets.json",
        "upgrade.sh",
        "upgrade/config/upgrade.yaml",
        "upgrade/config/version.yaml",
        f"upgrade/release_versions/{VERSION}.yaml",
        f"upgrade/releases/{VERSION}.yaml",
        "upgrade/releases/metadata.yaml",
        f"{centos}/diff.yaml",
        f"{ubuntu}/diff.yaml",
    ]
    assert listing[9:] == sorted(listing[9:])
    assert f"{ubuntu}/pool/main/changed_1.0-1_all.deb" in listing
    assert f"{centos}/Packages/new-1.0-1.noarch.rpm" in listing
    assert not [name for name in listing if "same" in name], "the base has it"
    assert f"upgrade/puppet/{VERSION}/modules/nova/manifests/init.pp" in listing
    assert summary.files == len(listing)
    assert summary.size_bytes == (tmp_path / "out.tar").stat().st_size
    assert (summary.fuel_version, summary.upgrade_from) == ("6.0", ("5.1", "5.1.1"))
    assert [part.os_key for part in summary.repos] == ["centos", "ubuntu"]
    assert [(p.packages, p.full_packages) for p in summary.repos] == [(1, 2), (1, 2)]
    assert summary.to_json()["fuel_version"] == "6.0"


@pytest.mark.parametrize("suffix", [".tar", ".tar.zst"])
def test_the_same_input_gives_the_same_bytes(tmp_path: Path, parts: Path, suffix: str) -> None:
    data = write_parts(parts)
    for name in ("one", "other"):
        build(parts, data, tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"other{suffix}").read_bytes()


def test_the_packed_form_holds_the_plain_one(tmp_path: Path, parts: Path) -> None:
    data = write_parts(parts)
    for suffix in (".tar", ".tar.zst"):
        build(parts, data, tmp_path / f"out{suffix}")
    packed = io.BytesIO((tmp_path / "out.tar.zst").read_bytes())
    unpacked = zstandard.ZstdDecompressor().stream_reader(packed).read()
    assert unpacked == (tmp_path / "out.tar").read_bytes()


def full(parts: Path) -> dict[str, Any]:
    """Return a spec of full repos."""
    data = write_parts(parts)
    del data["releases"][0]["base"]
    data["releases"][0]["repos"] = {name: {"full": name} for name in ("ubuntu", "centos")}
    return data


def test_metadata_is_there_without_diffs(tmp_path: Path, parts: Path) -> None:
    build(parts, full(parts), tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar") as archive:
        file = archive.extractfile("upgrade/releases/metadata.yaml")
        assert file is not None
        assert yaml.safe_load(file) == {"diff_releases": {}}


def test_a_json_fixture_travels_as_yaml(tmp_path: Path, parts: Path) -> None:
    data = full(parts)
    entries = yaml.safe_load((parts / "openstack.yaml").read_text())
    (parts / "openstack.json").write_text(json.dumps(entries))
    data["releases"][0]["openstack_yaml"] = "openstack.json"
    build(parts, data, tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar") as archive:
        file = archive.extractfile(f"upgrade/releases/{VERSION}.yaml")
        assert file is not None
        assert yaml.safe_load(file) == entries


def test_the_script_is_executable_and_names_the_tarball(tmp_path: Path, parts: Path) -> None:
    build(parts, full(parts), tmp_path / "out.tar")
    with tarfile.open(tmp_path / "out.tar") as archive:
        modes = {m.name: m.mode for m in archive if m.isfile() and m.mode & 0o100}
        script = archive.extractfile("upgrade.sh")
        assert script is not None
        assert b"fuel-6.0-upgrade.tar.zst" in script.read()
    assert modes == {"upgrade.sh": 0o755, f"upgrade/puppet/{VERSION}/modules/nova/run": 0o755}


def test_a_ready_diff_repo_is_taken_as_it_is(tmp_path: Path, parts: Path) -> None:
    data = write_parts(parts)
    build_diff(parts / "ubuntu-base", parts / "ubuntu", parts / "ready")
    build(parts, data, tmp_path / "one.tar")
    data["releases"][0]["repos"]["ubuntu"] = {"diff": "ready"}
    build(parts, data, tmp_path / "other.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "other.tar").read_bytes()


def only_ubuntu(_parts: Path, data: dict[str, Any]) -> None:
    del data["releases"][0]["repos"]["centos"]


def test_only_names_the_systems_to_register(tmp_path: Path, parts: Path) -> None:
    data = full(parts)
    only_ubuntu(parts, data)
    data["releases"][0]["only"] = ["Ubuntu"]
    build(parts, data, tmp_path / "out.tar")
    head = read_head(tmp_path / "out.tar")
    assert [release.os_key for release in head.releases] == ["ubuntu"]
    assert len(openstack_yaml()) == 2, "the description has both"


def set_release(**changes: Any) -> Change:
    return lambda _parts, data: data["releases"][0].update(changes)


def set_openstack(entries: list[dict[str, Any]]) -> Change:
    return lambda parts, _data: write(parts / "openstack.yaml", yaml.safe_dump(entries))


def flip_package(parts: Path, _data: dict[str, Any]) -> None:
    write(parts / "ubuntu" / Fake("changed").location, b"TWO")


def remove_package(parts: Path, _data: dict[str, Any]) -> None:
    (parts / "ubuntu" / Fake("same").location).unlink()


def shorten_package(parts: Path, _data: dict[str, Any]) -> None:
    write(parts / "centos" / Fake("new").rpm_location, b"x")


def add_twice(_parts: Path, data: dict[str, Any]) -> None:
    data["releases"].append(data["releases"][0])


def give_diff_as_full(parts: Path, data: dict[str, Any]) -> None:
    build_diff(parts / "ubuntu-base", parts / "ubuntu", parts / "ready")
    data["releases"][0]["repos"]["ubuntu"] = {"full": "ready"}


def give_full_as_diff(_parts: Path, data: dict[str, Any]) -> None:
    data["releases"][0]["base"] = BASE_VERSION
    data["releases"][0]["repos"] = {name: {"diff": name} for name in ("ubuntu", "centos")}


def link_to(target: str) -> Change:
    return lambda parts, _data: (parts / PUPPET / "link").symlink_to(target)


def make_pipe(parts: Path, _data: dict[str, Any]) -> None:
    os.mkfifo(parts / PUPPET / "pipe")


REFUSED: dict[str, tuple[Change, type[UpgradeError], str]] = {
    "system_without_repo": (only_ubuntu, ConfigError, "no repo for centos"),
    "repo_beside_only": (
        set_release(only=["ubuntu"]), ConfigError, "a repo for centos that 'only' leaves out",
    ),
    "only_of_nothing": (set_release(only=["ubuntu", "centos", "debian"]), ConfigError, "debian"),
    "system_without_release": (
        set_openstack(openstack_yaml(["Ubuntu"])), ConfigError, "a repo for centos that",
    ),
    "two_versions": (
        set_openstack(openstack_yaml() + openstack_yaml(["Ubuntu"], "7.0")),
        BundleError, "releases of several versions: 2014.2-6.0, 7.0",
    ),
    "version_as_path": (
        set_openstack(openstack_yaml(version="../../etc")), BundleError, "is not a version",
    ),
    "link_out": (link_to("../../../../x"), BundleError, "a link to '../../../../x', outside"),
    "link_absolute": (link_to("/etc/passwd"), BundleError, "a link to '/etc/passwd', outside"),
    "link_up_behind_a_name": (link_to("manifests/../x"), BundleError, "a link to"),
    "pipe": (make_pipe, BundleError, "neither a file nor a folder"),
    "tasks_malformed": (
        lambda parts, _: write(parts / PUPPET / "tasks.yaml", "{}"), BundleError,
        "tasks.yaml: expected a list of tasks",
    ),
    "diff_as_full": (give_diff_as_full, BundleError, "expected a full repo, found a diff repo"),
    "full_as_diff": (give_full_as_diff, BundleError, "expected a diff repo, found no diff.yaml"),
    "package_altered": (flip_package, BundleError, "but its index says"),
    "package_shortened": (shorten_package, BundleError, "1 bytes, but the index says 7 bytes"),
    "package_missing": (remove_package, BundleError, "not there, but the index says 7 bytes"),
    "release_twice": (add_twice, ConfigError, "two parts of the bundle have this place"),
    "no_version": (
        lambda parts, _: write(parts / "version.yaml", "{}"), BundleError, "expected VERSION",
    ),
    "no_text": (
        lambda parts, _: write(parts / "version.yaml", b"\xff"), ConfigError, "version.yaml",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "kind", "what"), REFUSED.values(), ids=REFUSED)
def test_parts_that_do_not_fit_are_refused_and_nothing_is_left(
    tmp_path: Path, parts: Path, change: Change, kind: type[UpgradeError], what: str
) -> None:
    data = full(parts)
    change(parts, data)
    spec = spec_of(data, parts)
    before = digest(parts)
    with pytest.raises(kind) as caught:
        build_bundle(spec, tmp_path / "out.tar", progress=no_progress)
    assert what in caught.value.what
    assert caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["parts"]
    assert digest(parts) == before


def test_a_package_without_sha256_is_checked_by_another_checksum_of_its_index(
    tmp_path: Path, parts: Path
) -> None:
    data = full(parts)
    apt_repo(parts / "weak", [Fake("a")], sums=["MD5sum"])
    data["releases"][0]["repos"]["ubuntu"] = {"full": "weak"}
    build(parts, data, tmp_path / "good.tar")
    write(parts / "weak" / Fake("a").location, b"CONTENT")
    with pytest.raises(BundleError, match=r"md5 .* but the index says"):
        build(parts, data, tmp_path / "bad.tar")


def test_releases_that_are_diffs_of_each_other_are_refused(tmp_path: Path, parts: Path) -> None:
    data = write_parts(parts)
    data["releases"][0]["base"] = VERSION
    with pytest.raises(BundleError, match="diffs of each other"):
        build(parts, data, tmp_path / "out.tar")


@pytest.mark.parametrize("name", ["out.tgz", "out", "out.zst"])
def test_a_name_says_the_form(tmp_path: Path, parts: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"expected a name in \.tar\.zst or \.tar"):
        build(parts, full(parts), tmp_path / name)


def test_an_existing_file_is_refused_and_kept(tmp_path: Path, parts: Path) -> None:
    write(tmp_path / "out.tar", "mine")
    with pytest.raises(ConfigError, match="exists already"):
        build(parts, full(parts), tmp_path / "out.tar")
    assert (tmp_path / "out.tar").read_text() == "mine"


def test_an_interruption_leaves_nothing(tmp_path: Path, parts: Path) -> None:
    def stop(what: str, _done: int, _total: int) -> None:
        if what == "packing":
            raise KeyboardInterrupt

    spec = spec_of(write_parts(parts), parts)
    with pytest.raises(KeyboardInterrupt):
        build_bundle(spec, tmp_path / "out.tar", progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["parts"]


@pytest.mark.parametrize("name", [os.fsdecode(b"\xff"), "a\nb", "\x1b[31m", "\u202e"])
def test_a_file_name_that_no_master_unpacks_is_refused(
    tmp_path: Path, parts: Path, name: str
) -> None:
    write(parts / PUPPET / name, b"x")
    with pytest.raises(BundleError, match="control characters, or not in UTF-8") as caught:
        build(parts, full(parts), tmp_path / "out.tar")
    assert caught.value.what.isprintable()


def test_a_release_may_have_no_puppet(tmp_path: Path, parts: Path) -> None:
    data = full(parts)
    del data["releases"][0]["puppet"]
    build(parts, data, tmp_path / "out.tar")
    assert not [name for name in names(tmp_path / "out.tar") if "puppet" in name]


def test_repos_may_be_archives(tmp_path: Path, parts: Path) -> None:
    data = full(parts)
    with tarfile.open(parts / "ubuntu.tar", "w") as archive:
        archive.add(parts / "ubuntu", "ubuntu-repo")
    build(parts, data, tmp_path / "one.tar")
    data["releases"][0]["repos"]["ubuntu"] = {"full": "ubuntu.tar"}
    build(parts, data, tmp_path / "other.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "other.tar").read_bytes()
