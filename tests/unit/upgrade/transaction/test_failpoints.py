import errno
import os

import pytest

from fuel_upgrade.errors import ConfigError, OutsideError
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints


def test_only_the_named_places_fail() -> None:
    points = FailPoints("2:after, 11:before=error")
    points.check(2, "before")
    points.check(1, "after")
    for number, where in ((2, "after"), (11, "before")):
        with pytest.raises(OutsideError, match=f"fail point {number}:{where}"):
            points.check(number, where)


def test_none_are_set_by_default() -> None:
    FailPoints().check(1, "before")


@pytest.mark.parametrize("text", ["x:before", "1:during", "1", "1:after=explode", ":after"])
def test_a_malformed_text_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not STEP:WHERE"):
        FailPoints(text)


@pytest.mark.parametrize(("action", "code"), [("full", errno.ENOSPC), ("read-only", errno.EROFS)])
def test_a_place_fails_as_the_file_system_does(action: str, code: int) -> None:
    with pytest.raises(OSError, match=os.strerror(code)) as caught:
        FailPoints(f"3:undo-after={action}").check(3, "undo-after")
    assert caught.value.errno == code


def test_a_drill_brings_its_own_actions() -> None:
    done: list[str] = []
    points = FailPoints("1:undo-before=mine", {"mine": lambda: done.append("mine")})
    points.check(1, "undo-before")
    assert done == ["mine"]
