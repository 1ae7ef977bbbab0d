import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from fuel_upgrade.registry.auth import passwords
from fuel_upgrade.registry.release_store import Store

CHEAP_BLOCKS = 2


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/registry.sqlite"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    made = Store.open(url, hash_blocks=CHEAP_BLOCKS)
    yield made
    made.close()


def test_a_hash_has_the_five_lanes_that_owasp_asks_for_with_16_mib() -> None:
    """The digest is what ``hashlib.scrypt`` gives for n=2**14, r=8, p=5: each takes 0.2 s."""
    salt = b"sixteen bytes of"
    digest = "0818091b95e22ab67f78fc08042628a6e0f26e9b09f7ff27b91003b4d8f7f480"
    expected = b"p5:" + bytes.fromhex(digest)
    assert passwords.hash_password("right", salt) == expected
    assert passwords.matches("right", salt, expected)


def test_only_the_right_password_matches_a_hash() -> None:
    salt = passwords.new_salt()
    stored = passwords.hash_password("right", salt, blocks=CHEAP_BLOCKS)
    assert passwords.matches("right", salt, stored, blocks=CHEAP_BLOCKS)
    assert not passwords.matches("wrong", salt, stored, blocks=CHEAP_BLOCKS)


def test_a_hash_of_an_earlier_version_is_taken_once_and_made_anew(store: Store, url: str) -> None:
    store.accounts.set_password("admin", "right")
    salt = passwords.new_salt()
    old = hashlib.scrypt(b"right", salt=salt, n=CHEAP_BLOCKS, r=8, p=1, dklen=32)
    engine = create_engine(url)
    with engine.begin() as connection:
        values = {"salt": salt, "hash": old}
        connection.execute(text("UPDATE users SET salt = :salt, password_hash = :hash"), values)
    assert store.accounts.authenticate("admin", "wrong") is None
    user = store.accounts.authenticate("admin", "right")
    with engine.begin() as connection:
        (stored,) = connection.execute(text("SELECT password_hash FROM users")).one()
    engine.dispose()
    assert not passwords.is_weak(stored)
    assert store.accounts.authenticate("admin", "right") == user is not None
