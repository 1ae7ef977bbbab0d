"""An upgrade tarball of real packages, checked with the tools of a master."""

import os
import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Metadata, Targets  # type: ignore[attr-defined] # re-exported silently

from demo.nodes import AptNode, DnfNode
from demo.packages import Recipe, make_apt_repo, make_yum_repo
from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.bundle.unpack_tarball import below, unpack
from fuel_upgrade.bundle.verify import read_head
from fuel_upgrade.errors import BundleError, CommandError
from fuel_upgrade.system import process
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.system.tree_digest import walk
from tests.builders import VERSION, spec_of, write_parts
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c", "tar", "zstd")

NOISE = random.Random(1).randbytes(1 << 20).hex()  # hardly compressible
BASE = (Recipe("same", "1.0-1", "same"), Recipe("changed", "1.0-1", "one"))
CURRENT = (
    Recipe("same", "1.0-1", "same"),
    Recipe("changed", "1.0-1", "two"),
    Recipe("large", "1.0-1", NOISE, depends=("same",)),
)
COREUTILS = ("sh", "dirname", "cat", "id", "sed")

FAKE_COMMAND = """\
#!/bin/sh
case $1 in
--version) echo fuel-upgrade, version 0.1.0 ;;
install) for word; do echo "<$word>"; done ;;
esac
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundle")


@pytest.fixture(scope="module")
def data(folder: Path) -> dict[str, Any]:
    """The parts of a bundle with real packages in real repos."""
    data = write_parts(folder)
    for name in ("ubuntu-base", "ubuntu", "centos-base", "centos"):
        shutil.rmtree(folder / name)
    make_apt_repo(folder / "ubuntu-base", BASE)
    make_apt_repo(folder / "ubuntu", CURRENT)
    make_yum_repo(folder / "centos-base", BASE)
    make_yum_repo(folder / "centos", CURRENT)
    return data


@pytest.fixture(scope="module")
def tarball(folder: Path, data: dict[str, Any]) -> Path:
    out = folder / "fuel-6.0-upgrade.tar.zst"
    build_bundle(spec_of(data, folder), out, progress=no_progress)
    return out


@pytest.fixture
def unpacked(tarball: Path, tmp_path: Path) -> Path:
    unpack(read_head(tarball), below(tmp_path / "out"), progress=no_progress)
    return tmp_path / "out"


def test_tar_and_zstd_unpack_the_same_files(tarball: Path, unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    argv = ["tar", "--zstd", "-xf", str(tarball), "-C", str(tmp_path / "theirs")]
    process.run(argv, timeout_s=60)
    theirs, ours = (
        {str(p.relative_to(root)): hash_file(p) for p in walk(root) if p.is_file()}
        for root in (tmp_path / "theirs", unpacked)
    )
    assert theirs.pop("upgrade/seal/targets.json")
    assert theirs == ours


def test_the_seal_in_the_tarball_is_tuf_metadata_of_its_files(
    tarball: Path, unpacked: Path
) -> None:
    seal = "upgrade/seal/targets.json"
    text = process.run(["tar", "--zstd", "-xOf", str(tarball), seal], timeout_s=60)
    targets = Metadata[Targets].from_bytes(text.encode()).signed.targets
    for path, target in targets.items():
        if not (unpacked / path).is_symlink():
            target.verify_length_and_hashes((unpacked / path).read_bytes())
    assert set(targets) == set(read_head(tarball).sealed)


def test_the_head_is_read_from_a_download_that_broke_off(tarball: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.tar.zst"
    part.write_bytes(tarball.read_bytes()[: tarball.stat().st_size // 2])
    head = read_head(part)
    assert head.fuel_version == "6.0"
    with pytest.raises(BundleError, match="cut short"):
        unpack(head, below(tmp_path / "out"), progress=no_progress)


def test_a_byte_flipped_anywhere_in_the_tarball_is_refused(tarball: Path, tmp_path: Path) -> None:
    whole = tarball.read_bytes()
    draw = random.Random(6)
    for number in range(12):
        altered = bytearray(whole)
        altered[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        (tmp_path / "t.tar.zst").write_bytes(altered)
        out = tmp_path / f"out-{number}"
        with pytest.raises(BundleError):
            unpack(read_head(tmp_path / "t.tar.zst"), below(out), progress=no_progress)


@needs("apt-get")
def test_apt_takes_the_diff_repo_of_the_tarball_with_its_base(
    unpacked: Path, folder: Path, tmp_path: Path
) -> None:
    lines = [
        f"deb [trusted=yes] file://{root} precise main\n"
        for root in (unpacked / f"upgrade/repos/{VERSION}/ubuntu/x86_64", folder / "ubuntu-base")
    ]
    node = AptNode(tmp_path / "node")
    node.apply({"etc/apt/sources.list": "".join(lines)})
    node.install(["large", "changed"])
    assert node.installed() == {r.name: (r.version, r.content) for r in CURRENT}


@needs("dnf", "rpm")
def test_dnf_takes_the_diff_repo_of_the_tarball_with_its_base(
    unpacked: Path, folder: Path, tmp_path: Path
) -> None:
    texts = [
        f"[{name}]\nname={name}\nbaseurl=file://{root}\npriority={rank}\n"
        for name, rank, root in (
            ("diff", 1, unpacked / f"upgrade/repos/{VERSION}/centos/x86_64"),
            ("base", 2, folder / "centos-base"),
        )
    ]
    node = DnfNode(tmp_path / "node")
    node.apply({"etc/yum.repos.d/a.repo": "".join(texts)})
    node.install(["large", "changed"])
    assert node.installed() == {r.name: (r.version, r.content) for r in CURRENT}


def test_a_package_altered_after_indexing_is_refused_at_build(
    folder: Path, data: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copytree(folder / "ubuntu", tmp_path / "ubuntu")
    (path,) = (tmp_path / "ubuntu").rglob("large_*.deb")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    release = {k: v for k, v in data["releases"][0].items() if k != "base"}
    release["repos"] = {"ubuntu": {"full": str(tmp_path / "ubuntu")}}
    spec = spec_of({**data, "releases": [{**release, "only": ["ubuntu"]}]}, folder)
    with pytest.raises(BundleError, match=r"large_1\.0-1_all\.deb: SHA-256 .* its index says"):
        build_bundle(spec, tmp_path / "out.tar", progress=no_progress)
    assert [p.name for p in tmp_path.iterdir()] == ["ubuntu"]


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A folder for PATH with only the programs that the script needs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in COREUTILS:
        program = shutil.which(name)
        assert program is not None
        (folder / name).symlink_to(program)
    return folder


def run_script(unpacked: Path, path: Path, *arguments: str) -> str:
    argv = [str(unpacked / "upgrade.sh"), *arguments]
    return process.run(argv, timeout_s=120, env={"PATH": str(path)})


def test_the_script_explains_how_to_get_fuel_upgrade(unpacked: Path, bare_path: Path) -> None:
    assert os.access(unpacked / "upgrade.sh", os.X_OK)
    (unpacked / "fuel-6.0-upgrade.tar").touch()
    with pytest.raises(CommandError, match="fuel-upgrade is not installed") as caught:
        run_script(unpacked, bare_path)
    assert caught.value.returncode == 4
    labels = [line.split(":")[0] for line in caught.value.stderr_tail.splitlines()]
    assert labels == ["error", "state", "remedy"]


@pytest.fixture
def with_command(bare_path: Path) -> Path:
    fake = bare_path / "fuel-upgrade"
    fake.write_text(FAKE_COMMAND)
    fake.chmod(0o755)
    return bare_path


def test_the_script_installs_the_tarball_beside_it(unpacked: Path, with_command: Path) -> None:
    with pytest.raises(CommandError, match=r"/fuel-6\.0-upgrade\.tar\.zst: no such file") as caught:
        run_script(unpacked, with_command)
    assert caught.value.returncode == 2
    tarball = unpacked / "fuel-6.0-upgrade.tar.zst"
    tarball.touch()
    assert run_script(unpacked, with_command) == f"<install>\n<{tarball}>\n"


def test_the_script_installs_the_tarball_that_is_named(
    unpacked: Path, with_command: Path, tmp_path: Path
) -> None:
    named = tmp_path / "a name with blanks.tar"
    named.touch()
    expected = f"<install>\n<{named}>\n<--full-view>\n"
    assert run_script(unpacked, with_command, str(named), "--full-view") == expected


def test_the_exit_code_of_the_install_is_that_of_the_script(
    unpacked: Path, with_command: Path
) -> None:
    failing = FAKE_COMMAND.replace("install)", "install) exit 5;")
    (with_command / "fuel-upgrade").write_text(failing)
    (unpacked / "fuel-6.0-upgrade.tar.zst").touch()
    with pytest.raises(CommandError) as caught:
        run_script(unpacked, with_command)
    assert caught.value.returncode == 5


def test_zstd_finds_the_checksum_of_the_content(tarball: Path) -> None:
    listing = process.run(["zstd", "-lv", str(tarball)], timeout_s=120)
    assert re.search(r"Check:\s+XXH64", listing)
