import pytest

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.errors import ControlPlaneError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.nailgun.http_response import Answer, say_url


def answer(body: bytes, kind: str = "application/json") -> Answer:
    return Answer("GET", "/api/v1/releases/", 200, kind, body)


def test_json_is_read() -> None:
    assert answer(b'{"a": 1}').json() == {"a": 1}


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff", b"[" * 100_000])
def test_a_response_without_json_names_the_exchange(body: bytes) -> None:
    with pytest.raises(
        ControlPlaneError, match="GET /api/v1/releases/ answered 200: expected JSON"
    ):
        answer(body, "text/html").json()


def test_the_reason_is_short_and_on_one_line() -> None:
    text = answer(b"a\n b" * 1000).text
    assert len(text) == 200
    assert "\n" not in text
    assert answer(b"").text == "(empty)"


@pytest.mark.parametrize("lead", [0, 195, 790, 799])
def test_a_secret_is_masked_also_where_the_text_is_cut(lead: int) -> None:
    secret = "4f21-unmistakable"
    shown = answer(b" " * lead + f"token: {secret}, {secret}".encode()).hiding(secret)
    assert "4f21" not in shown.text
    assert "4f21" not in shown.error(f"expected a number, found {secret}").what
    assert secret not in repr(shown)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:pw@proxy:3128/x?token=1#y", "http://proxy:3128/x"),
        ("https://[::1]:8443/", "https://[::1]:8443/"),
        ("/a\nb", "/ab"),
        ("/a\x00b", "/a?b"),
        ("", "nowhere"),
        ("http://[", "an address that cannot be read"),
        ("http://h:99999/", "an address that cannot be read"),
        ("/" + "a" * 500, "/" + "a" * 199),
    ],
)
def test_an_address_is_shown_without_secrets(url: str, shown: str) -> None:
    assert say_url(url) == shown


def test_no_representation_shows_the_password() -> None:
    settings = NailgunSettings(
        url="http://10.20.0.2:8000", password="correct horse", proxy="http://u:correct horse@p"
    )
    client = NailgunClient(settings)
    assert "correct horse" not in f"{settings!r} {client!r} {client.keystone!r}"
    assert "correct horse" not in repr(client.keystone.login)
    control: ControlPlane = client
    assert repr(control) == "NailgunClient('http://10.20.0.2:8000/api/v1')"


def test_a_client_without_a_url_is_a_mistake_of_the_programmer() -> None:
    with pytest.raises(ValueError, match="URL"):
        NailgunClient(NailgunSettings())
