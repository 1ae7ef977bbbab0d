import pytest

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.errors import ControlPlaneError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.nailgun.keystone import KeystoneV2
from fuel_upgrade.nailgun.transport import Answer, Transport


def answer(body: bytes, kind: str = "application/json") -> Answer:
    return Answer("GET", "/api/v1/releases/", 200, kind, body)


def test_json_is_read() -> None:
    assert answer(b'{"a": 1}').json() == {"a": 1}


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff", b"[" * 100_000])
def test_what_is_no_json_names_the_exchange(body: bytes) -> None:
    with pytest.raises(
        ControlPlaneError, match="GET /api/v1/releases/ answered 200: expected JSON"
    ):
        answer(body, "text/html").json()


def test_the_reason_is_short_and_on_one_line() -> None:
    text = answer(b"a\n b" * 1000).text
    assert len(text) == 200
    assert "\n" not in text
    assert answer(b"").text == "(empty)"


def test_a_secret_is_masked() -> None:
    assert answer(b"token: 4f21, 4f21").without("4f21").body == b"token: ******, ******"


def test_no_representation_shows_the_password() -> None:
    settings = NailgunSettings(url="http://10.20.0.2:8000", password="correct horse")
    client: ControlPlane = NailgunClient(settings)
    keystone = KeystoneV2(
        url="http://10.20.0.2:5000",
        username="admin",
        password="correct horse",
        tenant="admin",
        transport=Transport(timeout_s=1, retries=0),
    )
    assert "correct horse" not in f"{client!r} {keystone!r}"
    assert repr(client) == "NailgunClient('http://10.20.0.2:8000/api/v1')"


def test_a_client_without_a_url_is_a_mistake_of_the_programmer() -> None:
    with pytest.raises(ValueError, match="URL"):
        NailgunClient(NailgunSettings())
