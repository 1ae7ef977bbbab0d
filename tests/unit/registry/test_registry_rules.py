import pytest

from fuel_upgrade.registry import rules
from fuel_upgrade.registry.refusal import RefusedError
from fuel_upgrade.registry.resources import JsonObject, ReleaseFields

IP = "10.20.0.2"


def body(**changes: object) -> JsonObject:
    orchestrator = {
        "repo_metadata": {"{OPENSTACK_VERSION}": "http://{MASTER_IP}:8080/ubuntu precise main"},
        "puppet_manifests_source": "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}/manifests/",
        "puppet_modules_source": "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}/modules/",
    }
    made: JsonObject = {
        "name": "Juno on Ubuntu",
        "version": "2014.2-6.0",
        "operating_system": "Ubuntu",
        "orchestrator_data": orchestrator,
    }
    return {**made, **changes}


def create(posted: object) -> ReleaseFields:
    data = rules.require_fields(posted)
    rules.check_structure(data)
    return rules.amend(ReleaseFields(), data, master_ip=IP)


def reason_of(posted: object) -> str:
    with pytest.raises(RefusedError) as caught:
        create(posted)
    assert caught.value.status == 400
    return caught.value.reason


def test_a_release_is_not_available_until_it_says_so() -> None:
    assert create(body()).state == "not_available"
    assert create(body(state="available")).state == "available"


def test_orchestrator_data_is_rendered() -> None:
    assert create(body()).orchestrator_data == {
        "repo_metadata": {"2014.2-6.0": "http://10.20.0.2:8080/ubuntu precise main"},
        "puppet_manifests_source": "rsync://10.20.0.2:/puppet/2014.2-6.0/manifests/",
        "puppet_modules_source": "rsync://10.20.0.2:/puppet/2014.2-6.0/modules/",
    }


def test_known_fields_are_kept_and_unknown_ones_dropped() -> None:
    made = create(body(volumes_metadata={"a": [1]}, roles=["controller"], bogus=1))
    assert made.details == {"volumes_metadata": {"a": [1]}, "roles": ["controller"]}


def test_null_is_as_if_a_field_was_never_posted() -> None:
    made = create(body(state=None, roles=None, attributes_metadata=None))
    assert (made.state, made.details) == ("not_available", {})
    assert made.detail("attributes_metadata") == {}
    changed = rules.amend(create(body(roles=["controller"])), {"roles": None}, master_ip=IP)
    assert changed.detail("roles") == []


def test_an_empty_name_is_accepted() -> None:
    assert create(body(name="")).name == ""


@pytest.mark.parametrize(
    ("networks", "part"),
    [
        ({"nova_network": {}}, "'neutron'"),
        ({"neutron": {}}, "'nova_network'"),
        ({"neutron": {}, "nova_network": {"networks": [{}]}}, "Invalid network data"),
        ([], "object"),
    ],
)
def test_networks_need_both_providers_and_names(networks: object, part: str) -> None:
    with pytest.raises(RefusedError, match=part):
        rules.require_networks(networks)


def test_the_first_missing_field_is_named() -> None:
    posted = body()
    for field, named in [
        ("orchestrator_data", "No orchestrator_data specified"),
        ("operating_system", "No release operating system specified"),
        ("version", "No release version specified"),
        ("name", "No release name specified"),
    ]:
        del posted[field]
        assert reason_of(posted) == named


@pytest.mark.parametrize("posted", [[], "name", 1, None])
def test_a_body_that_is_no_object_has_no_name(posted: object) -> None:
    assert reason_of(posted) == "No release name specified"


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"name": 1}, "'name'"),
        ({"version": None}, "'version'"),
        ({"version": "1" * 31}, "longer than 30"),
        ({"operating_system": []}, "'operating_system'"),
        ({"state": "unavailable"}, "not_available, downloading, error, available"),
        ({"state": 1}, "'state'"),
        ({"description": 1}, "'description'"),
        ({"roles": {}}, "'roles' field must be a list"),
        ({"wizard_metadata": []}, "'wizard_metadata' field must be a dict"),
        ({"networks_metadata": {"nova_network": []}}, "nova_network"),
        ({"networks_metadata": {"nova_network": {"networks": {}}}}, "nova_network"),
        ({"networks_metadata": {"nova_network": {"networks": [1]}}}, "Invalid network data: 1"),
        ({"orchestrator_data": None}, "'orchestrator_data' field must be a dict"),
        ({"orchestrator_data": {}}, "'orchestrator_data' doesn't have all required keys"),
    ],
)
def test_a_wrong_field_is_refused(changes: JsonObject, part: str) -> None:
    assert part in reason_of(body(**changes))


@pytest.mark.parametrize(
    "change",
    [
        {"repo_metadata": []},
        {"repo_metadata": {"a": 1}},
        {"repo_metadata": {"a": ""}},
        {"puppet_modules_source": None},
        {"puppet_manifests_source": "{NOPE}"},
    ],
)
def test_wrong_orchestrator_data_is_refused(change: JsonObject) -> None:
    orchestrator = body()["orchestrator_data"]
    assert isinstance(orchestrator, dict)
    assert reason_of(body(orchestrator_data={**orchestrator, **change}))


def test_networks_without_nova_network_are_those_of_newer_releases() -> None:
    made = create(body(networks_metadata={"neutron": {}}))
    assert made.detail("networks_metadata") == {"neutron": {}}


def test_networks_are_checked_before_orchestrator_data() -> None:
    networks: JsonObject = {"nova_network": {"networks": [{}]}}
    posted = body(networks_metadata=networks, orchestrator_data=[])
    assert reason_of(posted) == "Invalid network data: {}"


def test_an_update_changes_only_the_fields_of_its_body() -> None:
    before = create(body(roles=["controller"], description="d"))
    after = rules.amend(before, {"state": "available", "modes_metadata": {}}, master_ip=IP)
    assert after.state == "available"
    assert (after.name, after.description) == (before.name, "d")
    assert after.orchestrator_data == before.orchestrator_data
    assert after.details == {"roles": ["controller"], "modes_metadata": {}}


def test_an_update_renders_with_the_new_version() -> None:
    posted = {"version": "2014.2-6.1", "orchestrator_data": body()["orchestrator_data"]}
    after = rules.amend(create(body()), posted, master_ip="10.0.0.1")
    assert after.orchestrator_data is not None
    assert after.orchestrator_data["repo_metadata"] == {
        "2014.2-6.1": "http://10.0.0.1:8080/ubuntu precise main"
    }


@pytest.mark.parametrize("posted", [[], "x", None])
def test_an_update_must_be_an_object(posted: object) -> None:
    with pytest.raises(RefusedError, match="object"):
        rules.require_object(posted)
