"""fuel-upgrade doctor on a real host: with a daemon and without, with a web server of its repos."""

import json
import tarfile
from pathlib import Path
from typing import Any

import yaml

from tests.crash.reading import web_server
from tests.host import Host, configure
from tests.tools import needs

PACKAGING = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


def doctor(host: Host, *words: str | Path) -> tuple[int, dict[str, Any]]:
    done = host.command("doctor", "--json", *words)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def of(report: dict[str, Any], name: str) -> list[dict[str, str]]:
    return [check for check in report["checks"] if check["name"] == name]


@PACKAGING
def test_a_host_on_which_all_is_well(host: Host, tarballs: dict[str, Path], tmp_path: Path) -> None:
    repos = host.root / "var/www/nailgun"
    repos.mkdir(parents=True)
    with web_server(tmp_path, repos) as port:
        settings = {
            "master_ip": "127.0.0.1",
            "repo_url": f"http://{{MASTER_IP}}:{port}",
            "registry": {"port": 0},
        }
        (host.root / "etc/fuel-upgrade/config.yaml").write_text(yaml.safe_dump(settings))
        with host.daemon():
            host.json("install", tarballs["5.1"])
            code, report = doctor(host)
    assert [check for check in report["checks"] if check["verdict"] != "ok"] == []
    assert (code, report["verdict"], next(iter(report))) == (0, "ok", "format")
    (served,) = of(report, "repo_url")
    assert served["detail"] == f"http://127.0.0.1:{port} serves {repos}"


@PACKAGING
def test_a_web_server_of_other_files_is_a_failure(
    host: Host, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with host.daemon(), web_server(tmp_path, tmp_path / "empty") as port:
        host.json("install", tarballs["5.1"])
        settings = {"master_ip": "127.0.0.1", "repo_url": f"http://127.0.0.1:{port}"}
        (host.root / "etc/fuel-upgrade/config.yaml").write_text(yaml.safe_dump(settings))
        code, report = doctor(host)
    (served,) = of(report, "repo_url")
    assert (code, served["verdict"]) == (4, "failure")
    assert served["detail"].endswith("answered 404")
    assert str(host.root / "var/www/nailgun") in served["remedy"]


def test_without_a_daemon_all_else_is_checked(host: Host) -> None:
    code, report = doctor(host)
    assert code == 4
    assert [check["name"] for check in report["checks"] if check["verdict"] == "failure"] == [
        "daemon"
    ]
    assert of(report, "daemon")[0]["remedy"].startswith("systemctl start fuel-upgrade")
    assert of(report, "journal")[0]["verdict"] == "ok"
    assert not (host.root / "var/lib/fuel_upgrade").exists()


def test_faults_of_the_settings_alone_end_with_2(host: Host) -> None:
    with host.daemon():
        (host.root / "etc/fuel-upgrade/config.yaml").write_text("masterip: 1.2.3.4\n")
        code, report = doctor(host)
    assert code == 2
    (fault,) = of(report, "configuration")
    assert fault["detail"].endswith("masterip: unknown setting: did you mean master_ip?")


def test_a_nailgun_that_does_not_answer_is_a_failure_with_its_remedy(host: Host) -> None:
    configure(host, url="http://127.0.0.1:9")
    _, report = doctor(host)
    (nailgun,) = of(report, "nailgun")
    assert nailgun["verdict"] == "failure"
    assert "no connection" in nailgun["detail"]
    assert "check that Nailgun and Keystone run" in nailgun["remedy"]


def test_the_support_archive_has_no_password_of_this_host(host: Host, tmp_path: Path) -> None:
    secret = "correct-horse-battery"
    configure(host, url="http://127.0.0.1:9", password=secret, proxy=f"http://u:{secret}@127.0.0.1")
    out = tmp_path / "support.tar.gz"
    _, report = doctor(host, "--bundle", out)
    assert "doctor.json" in report["bundle"]["parts"]
    with tarfile.open(out) as archive:
        texts = [file.read() for m in archive if (file := archive.extractfile(m)) is not None]
    assert texts
    assert not [text for text in texts if secret.encode() in text]
    again = host.command("doctor", "--bundle", out)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
