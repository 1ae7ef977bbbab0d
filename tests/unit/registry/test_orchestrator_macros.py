import pytest

from fuel_upgrade.registry.orchestrator_macros import render, render_repos
from fuel_upgrade.registry.refusal import RefusedError

MACROS = {"MASTER_IP": "10.20.0.2", "OPENSTACK_VERSION": "2014.2-6.0"}


def test_every_macro_is_replaced() -> None:
    text = "http://{MASTER_IP}:8080/{OPENSTACK_VERSION}/{OPENSTACK_VERSION}"
    assert render(text, MACROS) == "http://10.20.0.2:8080/2014.2-6.0/2014.2-6.0"


def test_text_without_macros_stays() -> None:
    assert render("http://h/x precise main", MACROS) == "http://h/x precise main"


def test_doubled_braces_become_one_as_in_nailgun() -> None:
    assert (
        render("http://{{MASTER_IP}}/{{{MASTER_IP}}}", MACROS) == "http://{MASTER_IP}/{10.20.0.2}"
    )


def test_a_value_is_not_rendered_again() -> None:
    assert render("{A}", {"A": "{B}", "B": "no"}) == "{B}"


@pytest.mark.parametrize(
    "text", ["{NOPE}", "{}", "{MASTER_IP.__class__}", "{ MASTER_IP }", "{", "}", "{{MASTER_IP}"]
)
def test_anything_else_in_braces_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        render(text, MACROS)
    assert caught.value.status == 400
    assert repr(text) in caught.value.reason


def test_both_sides_of_repos_are_rendered() -> None:
    repos = {"z-{OPENSTACK_VERSION}": "http://{MASTER_IP}/", "a": "http://a/"}
    assert render_repos(repos, MACROS) == {"z-2014.2-6.0": "http://10.20.0.2/", "a": "http://a/"}


def test_repos_have_the_order_of_nailguns_hash_table() -> None:
    """Recorded: an own repo and the base with an unlucky key, in both orders."""
    own, base = "2014.2-6.0", "zz01-2014.1.1-5.1"
    for keys in ((own, base), (base, own)):
        assert list(render_repos(dict.fromkeys(keys, "http://a/"), MACROS)) == [base, own]


def test_two_repos_that_get_one_name_are_refused() -> None:
    with pytest.raises(RefusedError, match=r"2014\.2-6\.0"):
        render_repos({"{OPENSTACK_VERSION}": "http://a/", "2014.2-6.0": "http://b/"}, MACROS)
