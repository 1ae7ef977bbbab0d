"""The releases that real Fuel versions shipped, in both dialects of Nailgun."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.errors import OutsideError, StepError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from fuel_upgrade.release.dialect import DIALECTS
from fuel_upgrade.release.fixture import parse_fixture
from fuel_upgrade.release.model import OrchestratorData, Release, RepoEntry
from fuel_upgrade.release.nailgun_settings import fill_settings
from fuel_upgrade.release.readback import differences
from fuel_upgrade.release.registered_repos import orchestrator_data
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.steps.register import Register
from fuel_upgrade.upgrade.steps.step import World
from tests.descriptions import make_inputs, real_release, real_tarball
from tests.master import ScratchMaster, scratch_master
from tests.misbehaving import PASSWORD, TIMEOUT_S, bad_nailgun, says
from tests.recorded_nailgun import noted, recording
from tests.tools import needs, shared_dir

VERSIONS = ("5.0", "5.0.1", "5.1", "5.1.1", "6.0", "6.1", "7.0", "8.0", "9.0")
IP = "10.20.0.2"
NOT_SHOWN = {"volumes_metadata"}


@cache
def described(fuel: str) -> tuple[Release, ...]:
    path = shared_dir() / f"data/openstack.yaml/{fuel}.yaml"
    return parse_fixture(path.read_text(encoding="utf-8"), source=path.name)


def meant(release: Release) -> OrchestratorData:
    """Give a release its own repo and those of two bases."""
    suite = " precise main" if release.os_key == "ubuntu" else ""
    place = f"/{release.os_key}/x86_64{suite}"
    bases = [
        RepoEntry(f"2013.2-{base}", f"http://{{MASTER_IP}}:8080/2013.2-{base}{place}")
        for base in ("4.1", "4.0")
    ]
    return orchestrator_data(
        release,
        f"http://{{MASTER_IP}}:8080/{{OPENSTACK_VERSION}}{place}",
        OrchestratorData(tuple(bases), "", ""),
    )


@pytest.fixture(params=list(DIALECTS), scope="module")
def settings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NailgunSettings]:
    """A Nailgun of each line, whose settings and version file do not have the line."""
    folder = tmp_path_factory.mktemp("nailgun")
    with closing(Store.open(f"sqlite:///{folder}/registry.sqlite")) as store:
        ensure_user(store, "admin", "admin")
        app = create_app(store, master_ip=IP, fuel_version=lambda: "6.0", dialect=request.param)
        with RegistryServer(app, "127.0.0.1", 0) as server:
            yield NailgunSettings(url=server.url, password="admin", retries=0)


@pytest.fixture
def client(settings: NailgunSettings) -> Iterator[NailgunClient]:
    with NailgunClient(settings, master_ip=IP) as made:
        yield made
        for release in made.releases():
            made.delete_release(release.id)


def test_the_dialect_of_an_empty_nailgun_is_not_that_of_its_version_file(
    settings: NailgunSettings, client: NailgunClient, request: pytest.FixtureRequest
) -> None:
    expected = request.node.callspec.params["settings"]
    (release, *_) = described("6.0")
    with NailgunClient(settings, master_ip=IP) as of_an_empty:
        assert of_an_empty.dialect().name == expected
        of_an_empty.create_release(of_an_empty.dialect().body(release.fields, meant(release)))
    assert client.dialect().name == expected


@pytest.mark.parametrize(
    ("fuel", "note", "version", "dialect"),
    [
        ("6.0-more", "deployment tasks: no such path here", "7.0", "6.0"),
        ("6.1", "deployment tasks of no release", "6.0", "6.1"),
        ("7.0", "deployment tasks of no release", "6.0", "6.1"),
        (None, "", "6.0", "6.0"),
        (None, "", "9.0", "6.1"),
    ],
)
def test_the_dialect_of_a_real_nailgun_follows_from_its_paths_and_else_from_its_version(
    fuel: str | None, note: str, version: str, dialect: str
) -> None:
    body = noted(recording(fuel), note)["body"] if fuel else "<html>a page of a proxy</html>"
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    missing = says(404, content, "text/html")
    with bad_nailgun() as server:
        server.script = [says(200, []), missing, missing, says(200, {"release": version})]
        given = NailgunSettings(url=server.url, password=PASSWORD, timeout_s=TIMEOUT_S)
        with NailgunClient(given) as client:
            assert client.dialect().name == dialect
        assert len(server.script) == (1 if fuel else 0)


@pytest.mark.parametrize("fuel", VERSIONS)
def test_a_real_release_reads_back_equal(client: NailgunClient, fuel: str) -> None:
    releases = described(fuel)
    assert len(releases) >= 2
    for release in releases:
        data = meant(release)
        body = json.loads(json.dumps(client.dialect().body(release.fields, data)))
        made = client.create_release(body)
        shown = client.release_body(made.id)
        assert body.keys() - shown.keys() == NOT_SHOWN
        assert differences(body, shown) == ()
        for field in body.keys() & shown.keys() - {"orchestrator_data"}:
            assert shown[field] == body[field], field
        assert made.orchestrator is not None
        assert [repo.location for repo in made.orchestrator.repos] == [
            repo.location.replace("{MASTER_IP}", IP).replace("{OPENSTACK_VERSION}", made.version)
            for repo in data.repos
        ]


@pytest.mark.parametrize("fuel", VERSIONS)
def test_the_repos_of_a_real_release_change_and_come_back(client: NailgunClient, fuel: str) -> None:
    for release in described(fuel):
        made = client.create_release(client.dialect().body(release.fields, meant(release)))
        before = client.release_body(made.id)
        assert made.orchestrator is not None
        alone = OrchestratorData(
            made.orchestrator.repos[:1],
            made.orchestrator.puppet_manifests_source,
            made.orchestrator.puppet_modules_source,
        )
        assert client.set_repos(made.id, alone).orchestrator == alone
        assert client.set_repos(made.id, made.orchestrator).orchestrator == made.orchestrator
        assert client.release_body(made.id) == before


class Forgetful(NailgunClient):
    """A client of a Nailgun that changes posted releases."""

    def release_body(self, release_id: int) -> dict[str, Any]:
        shown = super().release_body(release_id)
        return {**shown, "roles": [], "description": "another"}


def test_a_release_that_nailgun_changed_fails_the_step_and_is_deleted(
    settings: NailgunSettings, client: NailgunClient
) -> None:
    (release, *_) = described("6.0")
    with Forgetful(settings, master_ip=IP) as forgetful:
        body = forgetful.dialect().body(release.fields, meant(release))
        step, world = Register(body, None), World(forgetful, no_progress)
        with pytest.raises(OutsideError, match=r"description: posted .*; roles\[.*is missing"):
            step.apply(step.inspect(world), world)
    assert client.releases() == ()


V70, V80, V90 = "2015.1.0-7.0", "liberty-8.0", "mitaka-9.0"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("inputs"), ("7.0", "8.0", "9.0"))


def tarball(inputs: Path, fuel: str, before: str, base: str | None = None) -> Path:
    out = inputs / f"fuel-{fuel}-upgrade.tar.zst"
    if not out.exists():
        release = real_release(fuel, base=base, base_fuel=before)
        real_tarball(inputs, out, fuel, before, [release])
    return out


@pytest.fixture(params=list(DIALECTS))
def master(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ScratchMaster]:
    with scratch_master(tmp_path / "m", fuel_version="6.1", dialect=request.param) as made:
        yield made


def chain(master: ScratchMaster, name: str) -> list[str]:
    (release,) = (r for r in master.client.releases() if r.name == name)
    assert release.orchestrator is not None
    return [repo.location for repo in release.orchestrator.repos]


@needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
def test_real_later_releases_install_as_diffs_and_are_undone(
    master: ScratchMaster, inputs: Path
) -> None:
    master.install(tarball(inputs, "7.0", "6.1"))
    master.install(tarball(inputs, "8.0", "7.0", V70))
    before = master.state().releases
    master.install(tarball(inputs, "9.0", "8.0", V80))
    url = "http://127.0.0.1:8080/{}/ubuntu/x86_64 precise main"
    expected = [url.format(version) for version in (V90, V80, V70)]
    for name in ("Mitaka on Ubuntu 14.04", "Mitaka on Ubuntu+UCA 14.04"):
        assert chain(master, name) == expected
    assert len(chain(master, "Mitaka on CentOS 6.5")) == 3
    uca = {r.name: "uca" in [repo.name for repo in r.others] for r in master.client.releases()}
    assert [name for name, has in uca.items() if has] == ["Mitaka on Ubuntu+UCA 14.04"]
    master.engine().rollback()
    assert master.state().releases == before


@needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
@pytest.mark.parametrize("master", ["6.1"], indirect=True)
def test_a_base_keeps_the_macro_of_the_master_in_the_list(
    master: ScratchMaster, inputs: Path
) -> None:
    master.install(tarball(inputs, "7.0", "6.1"))
    master.install(tarball(inputs, "8.0", "7.0", V70))
    (release,) = (r for r in master.client.releases() if r.name == "Liberty on Ubuntu 14.04")
    fields = master.client.release_body(release.id)
    value = fields["attributes_metadata"]["editable"]["repo_setup"]["repos"]["value"]
    by_name = {entry["name"]: (entry["uri"], entry["priority"]) for entry in value}
    root = "http://{settings.MASTER_IP}:8080"
    assert by_name["mos"] == (f"{root}/{{cluster.release.version}}/ubuntu/x86_64", 1050)
    assert by_name[f"mos.zz99-{V70}"] == (f"{root}/{V70}/ubuntu/x86_64", 1049)


@needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
def test_a_wrong_dialect_fails_the_install_and_leaves_nothing(
    master: ScratchMaster, inputs: Path
) -> None:
    """The 6.0 refuses a list; a later one drops a map in silence: reading back shows it."""
    other = next(name for name in DIALECTS if name != master.client.dialect().name)
    before = master.state()
    settings = NailgunSettings(url=master.settings.url, retries=0, dialect=other)
    with NailgunClient(settings, master_ip="127.0.0.1") as client:
        misled = ScratchMaster(master.root, master.config, master.store, client, settings)
        with pytest.raises(StepError):
            misled.install(tarball(inputs, "7.0", "6.1"))
    assert master.state() == before


def test_a_real_5_1_without_orchestrator_data_is_not_taken_for_a_later_one() -> None:
    note = "list of 5.1's own fixtures: no orchestrator_data in the answer"
    listed = noted(recording("5.1-migrated"), note)["body"]
    missing = says(404, b"not found", "text/html")
    with bad_nailgun() as server:
        server.script = [says(200, listed), missing, missing]
        given = NailgunSettings(url=server.url, password=PASSWORD, timeout_s=TIMEOUT_S)
        with NailgunClient(given) as client:
            assert client.dialect().name == "6.0"


class Settings:
    """The settings of Nailgun that its own descriptions name."""

    MASTER_IP = IP
    NOVA_STATE_PATH = "/var/lib/nova"


@pytest.mark.parametrize("fuel", VERSIONS)
def test_settings_are_filled_in_as_by_the_templates_of_nailgun(fuel: str) -> None:
    jinja2 = pytest.importorskip("jinja2")  # by which Nailgun loads its descriptions
    text = (shared_dir() / f"data/openstack.yaml/{fuel}.yaml").read_text(encoding="utf-8")
    rendered = jinja2.Template(text, autoescape=False).render(settings=Settings)
    expected = parse_fixture(rendered, source="rendered.yaml")
    assert tuple(fill_settings(release, IP) for release in described(fuel)) == expected


def test_image_addresses_are_those_that_a_real_nailgun_loads() -> None:
    shown = noted(recording("6.0-more"), "list of the version's own fixtures")["body"]
    real = {r["name"]: image_data(r) for r in shown}
    ours = {r.name: image_data(fill_settings(r, IP).fields) for r in described("6.0")}
    assert ours == real
    assert len(ours) == 2


def image_data(fields: Mapping[str, Any]) -> Any:
    return fields["attributes_metadata"]["generated"]["provision"]["image_data"]
