"""The work for a tarball grows with its files and releases, and not faster than n log n."""

from pathlib import Path

from click.testing import CliRunner

from fuel_upgrade.cli.main import main
from tests.growth import assert_all_n_log_n, lines_of
from tests.master import scratch_master
from tests.small_bundles import write_release, write_spec

FILES = 50
RELEASES = 3


def command(*words: str | Path) -> None:
    done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def counts(root: Path, spec: Path) -> dict[str, int]:
    """Return the work of each command that takes a tarball."""
    tarball = root / "fuel-6.0-upgrade.tar.zst"
    with scratch_master(root / "master") as master:
        return {
            "build": lines_of(lambda: command("bundle", "build", spec, "-o", tarball)),
            "inspect": lines_of(lambda: command("bundle", "inspect", tarball)),
            "report": lines_of(lambda: command("bundle", "report", tarball)),
            "plan": lines_of(lambda: master.engine().plan(tarball)),
            "install": lines_of(lambda: master.install(tarball)),
            "install again": lines_of(lambda: master.install(tarball)),
            "survey": lines_of(lambda: master.engine().survey([tarball])),
            "rollback": lines_of(lambda: master.engine().rollback()),
        }


def test_files_of_one_release(tmp_path: Path) -> None:
    def count(n: int) -> dict[str, int]:
        root = tmp_path / str(n)
        part = write_release(root / "release", "2014.2-6.0", files=n, packages=n)
        return counts(root, write_spec(root, [part]))

    assert_all_n_log_n(count, FILES)


def test_releases_of_one_tarball(tmp_path: Path) -> None:
    def count(n: int) -> dict[str, int]:
        root = tmp_path / str(n)
        versions = [f"2014.2-6.0.{k}" for k in range(n)]
        parts = [write_release(root / v, v, files=5, packages=2) for v in versions]
        return counts(root, write_spec(root, parts))

    assert_all_n_log_n(count, RELEASES)
