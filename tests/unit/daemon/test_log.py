import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from fuel_upgrade.daemon.log import MASK, configure, mask


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    path = tmp_path / "deep/fuel_upgrade.log"
    configure(path, level="info")
    yield path
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@pytest.mark.parametrize("key", ["password", "OS_PASSWORD", "auth_token", "client_secret"])
def test_what_stands_under_a_secret_key_is_masked_at_any_depth(key: str) -> None:
    assert mask({"a": [{key: "hunter2"}]}) == {"a": [{key: MASK}]}


def test_a_password_in_a_url_is_masked() -> None:
    assert mask("http://admin:hunter2@10.20.0.2/x") == f"http://admin:{MASK}@10.20.0.2/x"


def test_other_values_stay() -> None:
    value = {"url": "http://10.20.0.2:8000/v2.0", "count": 3, "password": None}
    assert mask(value) == value


def test_lines_of_ours_and_of_libraries_reach_the_file_masked(log: Path) -> None:
    structlog.get_logger("ours").info("login", user="admin", password="hunter2")
    logging.getLogger("library").warning("to http://a:hunter2@host/")
    logging.getLogger("library").debug("too small")
    text = log.read_text()
    assert "user='admin'" in text
    assert "level='warning'" in text
    assert "hunter2" not in text
    assert "too small" not in text


def test_the_file_is_opened_again_after_it_was_rotated(log: Path) -> None:
    logger = structlog.get_logger("ours")
    logger.info("first")
    log.rename(log.with_suffix(".1"))
    logger.info("second")
    assert "second" in log.read_text()
