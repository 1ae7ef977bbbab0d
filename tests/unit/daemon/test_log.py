import io
import logging
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from fuel_upgrade.daemon.log import LineCounter, configure, is_journal, set_level
from fuel_upgrade.system.masking import MASK, mask


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    root, ours = logging.getLogger(), logging.getLogger("fuel_upgrade")
    before = (list(root.handlers), root.level)
    path = tmp_path / "deep/fuel_upgrade.log"
    configure(path, level="info")
    yield path
    root.handlers[:], root.level = before
    ours.setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.mark.parametrize("key", ["password", "OS_PASSWORD", "auth_token", "client_secret"])
def test_a_value_under_a_secret_key_is_masked_at_any_depth(key: str) -> None:
    assert mask({"a": [{key: "hunter2"}]}) == {"a": [{key: MASK}]}


def test_a_password_in_a_url_is_masked() -> None:
    assert mask("http://admin:hunter2@10.20.0.2/x") == f"http://admin:{MASK}@10.20.0.2/x"


def test_other_values_stay() -> None:
    value = {"url": "http://10.20.0.2:8000/v2.0", "count": 3, "password": None}
    assert mask(value) == value


def test_log_lines_of_the_daemon_and_of_libraries_are_masked_in_the_file(log: Path) -> None:
    structlog.get_logger("fuel_upgrade.ours").info("login", user="admin", password="hunter2")
    logging.getLogger("library").warning("to http://a:hunter2@host/")
    logging.getLogger("library").debug("too small")
    text = log.read_text()
    assert "user='admin'" in text
    assert "level='warning'" in text
    assert "hunter2" not in text
    assert "too small" not in text


def test_the_file_is_opened_again_after_it_was_rotated(log: Path) -> None:
    logger = structlog.get_logger("fuel_upgrade.ours")
    logger.info("first")
    log.rename(log.with_suffix(".1"))
    logger.info("second")
    assert "second" in log.read_text()


def test_a_library_is_heard_from_warnings_on_unless_the_level_is_debug(log: Path) -> None:
    logging.getLogger("alembic").info("a line of its life")
    assert "its life" not in log.read_text()
    set_level("debug")
    logging.getLogger("alembic").info("a line of its life")
    structlog.get_logger("fuel_upgrade.ours").debug("ours too")
    assert "its life" in log.read_text()
    assert "ours too" in log.read_text()


def test_keys_stand_in_the_order_in_which_they_are_read(log: Path) -> None:
    with structlog.contextvars.bound_contextvars(install="7f3a0001"):
        structlog.get_logger("fuel_upgrade.ours").info("step", number=2, a_title="switch")
    (line,) = log.read_text().splitlines()
    keys = re.findall(r"(\w+)='?", line)
    assert [key for key in keys if f"{key}=" in line] == [
        "timestamp", "level", "event", "install", "number", "a_title", "logger",
    ]  # fmt: skip


def test_each_line_for_systemds_journal_begins_with_its_priority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, ours = logging.getLogger(), logging.getLogger("fuel_upgrade")
    before = (list(root.handlers), root.level)
    with (tmp_path / "journal").open("w+") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        configure(None, level="info")
        structlog.get_logger("fuel_upgrade.ours").info("begun")
        structlog.get_logger("fuel_upgrade.ours").error("two\nlines")
        stream.seek(0)
        lines = stream.read().splitlines()
    root.handlers[:], root.level = before
    ours.setLevel(logging.NOTSET)
    structlog.reset_defaults()
    assert [line[:3] for line in lines] == ["<6>", "<3>"]


def test_another_stream_than_systemds_journal_has_no_priorities(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as stream:
        assert not is_journal(stream, {"JOURNAL_STREAM": "1:2"})
        assert not is_journal(stream, {})
    assert not is_journal(io.StringIO(), {"JOURNAL_STREAM": "1:2"})


def test_warnings_and_errors_are_counted_by_level(log: Path) -> None:
    counted: list[str] = []
    handler = LineCounter(counted.append)
    logging.getLogger().addHandler(handler)
    logger = structlog.get_logger("fuel_upgrade.ours")
    logger.info("fine")
    logger.warning("look")
    logger.critical("worse")
    logging.getLogger().removeHandler(handler)
    assert counted == ["info", "warning", "error"]
    assert "look" in log.read_text()


def test_the_log_is_its_owners_alone_also_after_a_rotation(log: Path) -> None:
    structlog.get_logger("fuel_upgrade.ours").info("before")
    before = os.umask(0)
    try:
        log.rename(log.with_suffix(".1"))
        structlog.get_logger("fuel_upgrade.ours").info("after")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in sorted(log.parent.iterdir())]
    assert modes == [0o600, 0o600]
