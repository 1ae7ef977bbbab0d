"""The job definitions, rendered by Jenkins Job Builder; their shell steps are run."""

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from fuel_upgrade.system.files import hash_file
from tests.build_job import BUNDLES, MAKEFILE, Job, make_job
from tests.host import BIN
from tests.index_venv import venv_with
from tests.programs import TIMEOUT_S
from tests.tools import needs

pytestmark = needs(
    "make", "curl", "xorriso", "dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c"
)

JENKINS = Path(__file__).parents[2] / "jenkins"
REQUIREMENTS = Path(__file__).parents[1] / "jenkins_requirements.txt"
ELEMENTS = {"actions", "builders", "publishers", "buildWrappers", "properties", "scm"}


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """The parts of a rendered job that Jenkins would run, and the default of each parameter."""

    parameters: Mapping[str, str]
    steps: Sequence[str]
    archives: Sequence[str]

    def run(self, folder: Path, **parameters: str) -> subprocess.CompletedProcess[str]:
        """Run all steps, as Jenkins does, until one fails; parameters are in the environment."""
        assert set(parameters) <= set(self.parameters)
        folder.mkdir(exist_ok=True)
        done = subprocess.CompletedProcess[str]([], 0, "", "")
        for number, step in enumerate(self.steps):
            script = folder / f".step-{number}"
            script.write_text(step)
            script.chmod(0o755)
            done = subprocess.run(
                [str(script)], cwd=folder, check=False, timeout=TIMEOUT_S,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                env={**os.environ, "BUILD_NUMBER": "7", "FUEL_UPGRADE_MK": str(MAKEFILE),
                     "FUEL_UPGRADE": str(BIN / "fuel-upgrade"), **self.parameters, **parameters},
            )  # fmt: skip
            if done.returncode:
                break
        return done

    def archived(self, folder: Path) -> list[str]:
        return sorted(
            str(path.relative_to(folder))
            for pattern in self.archives
            for path in folder.glob(pattern.strip())
        )


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Mapping[str, JobDefinition]:
    tools = venv_with(REQUIREMENTS, tmp_path_factory.mktemp("tools"))
    out = tmp_path_factory.mktemp("rendered")
    argv = [str(tools / "jenkins-jobs"), "test", "--config-xml", "-o", str(out)]
    subprocess.run([*argv, str(JENKINS / "fuel-upgrade.yaml")], check=True, capture_output=True)
    return {path.parent.name: parsed(path) for path in out.glob("*/config.xml")}


def parsed(path: Path) -> JobDefinition:
    root = ET.parse(path).getroot()
    assert root.tag == "project"
    assert {child.tag for child in root} >= ELEMENTS
    definitions = root.findall(".//parameterDefinitions/*")
    return JobDefinition(
        {str(d.findtext("name")): d.findtext("defaultValue") or "" for d in definitions},
        [text.text or "" for text in root.findall("builders/hudson.tasks.Shell/command")],
        (root.findtext(".//hudson.tasks.ArtifactArchiver/artifacts") or "").split(","),
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Mirrors, and the artifacts of each earlier version as the archive of a job."""
    job = make_job(tmp_path_factory.mktemp("job"))
    for folder in (job.folder / "deps").iterdir():
        argv = ["tar", "--create", "--file", f"{folder}.tar", "--directory", str(folder), "."]
        subprocess.run(argv, check=True)
    return job


def pinned(job: Job) -> str:
    archives = sorted((job.folder / "deps").glob("*.tar"))
    return "\n".join(f"{path.stem} file://{path} {hash_file(path)}" for path in archives)


def inputs(job: Job) -> dict[str, str]:
    mirror = job.folder / "mirrors/6.0"
    return {
        "PINNED": pinned(job),
        "LOCAL_MIRROR": str(mirror),
        "OPENSTACK_YAML": str(mirror / "openstack.yaml"),
        "PUPPET_DIR": str(mirror / "puppet"),
    }


def test_the_jobs_have_the_steps_of_the_tree(jobs: Mapping[str, JobDefinition]) -> None:
    assert set(jobs) == {"fuel-6.0-diff-repos", "fuel-6.0-upgrade", "fuel-6.0-install-test"}
    scripts = {path.read_text() for path in (JENKINS / "steps").iterdir()}
    assert {step for job in jobs.values() for step in job.steps} == scripts
    assert jobs["fuel-6.0-upgrade"].parameters["UPGRADE_VERSIONS"] == BUNDLES


def test_the_diff_job_publishes_the_diff_repos_as_one_archive(
    jobs: Mapping[str, JobDefinition], built: Job, tmp_path: Path
) -> None:
    job = jobs["fuel-6.0-diff-repos"]
    done = job.run(tmp_path / "w", **inputs(built))
    assert done.returncode == 0, done.stdout
    assert job.archived(tmp_path / "w") == ["fuel-6.0-diff-7.tar"]
    argv = ["tar", "--list", "--file", str(tmp_path / "w/fuel-6.0-diff-7.tar")]
    names = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    assert names == [
        "./",
        "./diff-centos-repo-6.0-5.1.tar",
        "./diff-ubuntu-repo-6.0-5.1.tar",
        "./openstack.yaml",
        "./puppet.tgz",
        "./version.yaml",
    ]


def test_the_tarball_of_the_upgrade_job_passes_the_install_test(
    jobs: Mapping[str, JobDefinition], built: Job, tmp_path: Path
) -> None:
    job = jobs["fuel-6.0-upgrade"]
    done = job.run(tmp_path / "w", **inputs(built))
    assert done.returncode == 0, done.stdout
    assert job.archived(tmp_path / "w") == [
        "artifacts/fuel-6.0-upgrade.iso",
        "artifacts/fuel-6.0-upgrade.tar.zst",
        "artifacts/report-6.0.html",
        "artifacts/report-6.0.json",
    ]
    tarball = tmp_path / "w/artifacts/fuel-6.0-upgrade.iso"
    pair = f"file://{tarball} {hash_file(tarball)}"
    done = jobs["fuel-6.0-install-test"].run(tmp_path / "t", TARBALL=pair)
    assert done.returncode == 0, done.stdout
    assert json.loads((tmp_path / "t/selftest.json").read_text())["steps"]


def test_another_content_than_the_pinned_one_fails_the_build(
    jobs: Mapping[str, JobDefinition], built: Job, tmp_path: Path
) -> None:
    values = inputs(built)
    values["PINNED"] = re.sub(r"[0-9a-f]{64}", "0" * 64, values["PINNED"])
    for name in ("fuel-6.0-diff-repos", "fuel-6.0-upgrade"):
        done = jobs[name].run(tmp_path / name, **values)
        assert done.returncode == 1
        assert "but PINNED says 000" in done.stdout
        assert not jobs[name].archived(tmp_path / name)
        assert not list((tmp_path / name / "deps").glob("[0-9]*"))


def test_each_building_step_fails_with_its_inputs(
    jobs: Mapping[str, JobDefinition], built: Job, tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(built.folder / "mirrors/6.0", mirror)
    next((mirror / "ubuntu").rglob("Packages")).write_text("Package: broken\n")
    values = {**inputs(built), "LOCAL_MIRROR": str(mirror)}
    for name in ("fuel-6.0-diff-repos", "fuel-6.0-upgrade"):
        assert jobs[name].run(tmp_path / name, **values).returncode
        assert not jobs[name].archived(tmp_path / name)
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(b"no tarball")
    pair = f"file://{damaged} {hash_file(damaged)}"
    assert jobs["fuel-6.0-install-test"].run(tmp_path / "t", TARBALL=pair).returncode


def test_the_other_pipelines_run_the_same_steps() -> None:
    scripts = [f"jenkins/steps/{path.name}" for path in (JENKINS / "steps").iterdir()]
    text = (JENKINS / "Jenkinsfile").read_text()
    assert sorted(re.findall(r"sh '(.*?)'", text)) == sorted(scripts)
    build = yaml.safe_load((JENKINS / "gitlab-ci.yml").read_text())["build"]
    assert build["script"] == re.findall(r"sh '(.*?)'", text)
