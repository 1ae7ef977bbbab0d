"""Settings of Nailgun in a description."""

from typing import Any

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.release.fixture import parse_fixture
from fuel_upgrade.release.model import Release
from fuel_upgrade.release.nailgun_settings import fill_settings, may_become, unknown_settings

IP = "10.20.0.2"
URL = "http://{{settings.MASTER_IP}}:8080/targetimages/a.img.gz"


def filled(fields: dict[str, Any]) -> Any:
    given = {"name": "n", "version": "1", "operating_system": "Ubuntu"}
    release = Release("n", "1", "Ubuntu", {**given, **fields})
    before = repr(release)
    actual = fill_settings(release, IP).fields
    assert repr(release) == before
    return {name: actual[name] for name in fields}


def test_settings_are_filled_in_wherever_they_are() -> None:
    fields = {
        "attributes_metadata": {"generated": {"provision": {"image_data": {"/": {"uri": URL}}}}},
        "volumes_metadata": {"volumes": [{"mount": "{{ settings.NOVA_STATE_PATH }}", "size": 1}]},
        "description": "{{settings.MASTER_IP}} and {{settings.MASTER_IP}}",
        "wizard_metadata": {"at {{settings.MASTER_IP}}": None},
    }
    url = f"http://{IP}:8080/targetimages/a.img.gz"
    assert filled(fields) == {
        "attributes_metadata": {"generated": {"provision": {"image_data": {"/": {"uri": url}}}}},
        "volumes_metadata": {"volumes": [{"mount": "/var/lib/nova", "size": 1}]},
        "description": f"{IP} and {IP}",
        "wizard_metadata": {f"at {IP}": None},
    }


@pytest.mark.parametrize(
    "text",
    [
        "http://{settings.MASTER_IP}:8080/{cluster.release.version}/",
        "http://{MASTER_IP}:8080/{OPENSTACK_VERSION}/",
        r"^((25[0-5]|[01]?[0-9]{1,2})\.){3}$",
        "a }} b",
    ],
)
def test_macros_of_repos_and_braces_are_left(text: str) -> None:
    assert filled({"description": text}) == {"description": text}
    assert list(unknown_settings({"description": text})) == []


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("http://{{settings.NAILGUN_PORT}}/", "{{settings.NAILGUN_PORT}}/"),
        ("{{settings.MASTER_IP}}{{settings.nope}}", "{{settings.nope}}"),
        ("{{settings.MASTER_IP_OF}}", "{{settings.MASTER_IP_OF}}"),
        ("{{settings.MASTER_IP|upper}}", "{{settings.MASTER_IP|upper}}"),
        ("{{other}}", "{{other}}"),
        ("{% if settings.DEVELOPMENT %}", "{% if settings.DEVELOPMENT %}"),
        ("a {# no comment #}", "{# no comment #}"),
        ("{{settings.MASTER_IP", "{{settings.MASTER_IP"),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_named_with_its_place(
    text: str, unknown: str
) -> None:
    fields = {"volumes_metadata": {"volumes": [{"mount": text}]}}
    assert list(unknown_settings(fields)) == [
        f"volumes_metadata.volumes[0].mount has '{unknown}', of such templates only"
        " {{settings.MASTER_IP}} and {{settings.NOVA_STATE_PATH}} are known"
    ]


def test_a_description_with_an_unknown_setting_is_refused() -> None:
    text = """
    - pk: 7
      fields: {name: n, version: "1", operating_system: U, attributes_metadata:
               {"a {{settings.KEY}}": "http://{{settings.PORT}}/"}}
    """
    with pytest.raises(BundleError) as caught:
        parse_fixture(text, source="openstack.yaml")
    assert "entry 7: attributes_metadata.a {{settings.KEY}} has '{{settings.KEY}}'" in (
        caught.value.what
    )
    assert "has '{{settings.PORT}}/'" in caught.value.what


@pytest.mark.parametrize(
    ("described", "registered", "expected"),
    [
        (URL, "http://10.20.0.2:8080/targetimages/a.img.gz", True),
        (URL, "http://master.example:8080/targetimages/a.img.gz", True),
        (URL, "http://10.20.0.2:8080/targetimages/b.img.gz", False),
        ("{{settings.NOVA_STATE_PATH}}", "/var/lib/nova", True),
        ("{{settings.NOVA_STATE_PATH}}", "/srv", False),
        ("a", "b", False),
        (URL, None, False),
    ],
)
def test_a_text_is_compared_with_its_setting_filled_in(
    *, described: str, registered: object, expected: bool
) -> None:
    assert may_become(described, registered) is expected
