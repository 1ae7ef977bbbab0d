import pytest

from fuel_upgrade.system.masking import MASK, mask_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("  password: hunter2", f"  password: {MASK}"),
        ('"password": "hun, ter2", "a": 1', f'"password": {MASK}, "a": 1'),
        ("password: 'it''s'", f"password: {MASK}"),
        ("OS_PASSWORD=hunter2 OS_USERNAME=admin", f"OS_PASSWORD={MASK} OS_USERNAME=admin"),
        ("http://admin:hunter2@10.20.0.2:8000/x", f"http://admin:{MASK}@10.20.0.2:8000/x"),
        ("postgresql://:hunter2@db/x", f"postgresql://:{MASK}@db/x"),
        ("X-Auth-Token: 4f21ab", f"X-Auth-Token: {MASK}"),
        ("Authorization: Bearer 4f21ab", f"Authorization: Bearer {MASK}"),
        ("auth_token='4f21ab' status=200", f"auth_token={MASK} status=200"),
        ("password_file: /etc/fuel-upgrade/p", "password_file: /etc/fuel-upgrade/p"),
        ("password: null", "password: null"),
        ("nothing of that kind: here", "nothing of that kind: here"),
    ],
)
def test_text_like_a_secret_is_masked(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def test_a_known_secret_is_masked_everywhere() -> None:
    assert mask_text("the hook printed hunter2!", ["hunter2"]) == f"the hook printed {MASK}!"


def test_a_secret_of_three_letters_does_not_blot_out_words() -> None:
    assert mask_text("an administrator", ["adm"]) == "an administrator"
