import pytest

from fuel_upgrade.registry.cluster_attributes import changed_attributes, default_attributes
from fuel_upgrade.registry.lines import LINES
from fuel_upgrade.registry.refusal import RefusedError
from fuel_upgrade.registry.resources import Cluster, JsonObject, ReleaseFields

CLUSTER = Cluster(id=7, name="c", release_id=1, fuel_version="7.0")


def defaults(editable: JsonObject, *, line: str = "6.1") -> object:
    details: JsonObject = {"attributes_metadata": {"editable": editable, "generated": {}}}
    release = ReleaseFields(name="Kilo", version="2015.1.0-7.0", details=details)
    made = default_attributes(CLUSTER, release, master_ip="10.20.0.2", line=LINES[line])
    return made["editable"]


def test_macros_are_replaced_at_any_depth() -> None:
    uri = "http://{settings.MASTER_IP}:8080/{cluster.release.version}/{cluster.id}"
    expected = {"repos": [{"uri": "http://10.20.0.2:8080/2015.1.0-7.0/7", "priority": 1050}]}
    assert defaults({"repos": [{"uri": uri, "priority": 1050}]}) == expected
    assert defaults({"v": "{cluster.release.environment_version}"}) == {"v": "7.0"}


def test_the_braces_of_a_regular_expression_stay() -> None:
    regex: JsonObject = {"regex": {"source": "^.{1,3}$"}}
    assert defaults(regex) == regex


def test_the_line_of_6_0_has_no_macros_here() -> None:
    assert defaults({"v": "{settings.MASTER_IP}"}, line="6.0") == {"v": "{settings.MASTER_IP}"}


@pytest.mark.parametrize("text", ["{NOPE}", "{MASTER_IP}", "{", "{settings.nope}"])
def test_a_macro_on_which_nailgun_crashes_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match=r"brace|macro"):
        defaults({"v": text})


def test_a_release_without_attributes_has_none() -> None:
    release = ReleaseFields(details={})
    made = default_attributes(CLUSTER, release, master_ip="", line=LINES["6.1"])
    assert made == {"editable": {}}


def test_a_change_keeps_other_attributes_and_replaces_lists() -> None:
    current: JsonObject = {"editable": {"repo_setup": {"repos": {"value": [1], "t": 1}}, "a": 1}}
    body: JsonObject = {"editable": {"repo_setup": {"repos": {"value": []}}}}
    expected = {"editable": {"repo_setup": {"repos": {"value": [], "t": 1}}, "a": 1}}
    assert changed_attributes(current, body) == expected
    assert changed_attributes(current, {}) == current


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"generated": {}}, "generated attributes"),
        ({"editable": []}, "'editable'"),
        ({"editable": {"repo_setup": {"repos": {"value": "x"}}}}, "'x' is not of type 'array'"),
    ],
)
def test_a_wrong_change_is_refused(body: JsonObject, part: str) -> None:
    with pytest.raises(RefusedError, match=part):
        changed_attributes({"editable": {}}, body)
