"""The JSON form of events, and its way back."""

from typing import get_args

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.upgrade import events
from fuel_upgrade.upgrade.event_json import (
    Completion,
    StreamedEvent,
    event_fields,
    parse_event,
    status_to_json,
    to_json,
)
from fuel_upgrade.upgrade.events import Event

TIME = "2014-10-16T12:00:00.000+00:00"
ERROR = BundleError("damaged", remedy="get another")
ORDERED = events.OrderedTarball("a", "6.0", 10)
SKIPPED = events.SkippedTarball("b", "5.1", 20, "this master runs Fuel 5.1")
EVENTS = (
    (events.InstallStarted("7f3a", 2, (1, 2)), {"install": "7f3a", "steps": 2, "sizes": [1, 2]}),
    (events.OrderChosen((ORDERED,), (SKIPPED,)), {
        "order": [{"tarball": "a", "fuel_version": "6.0", "unpacked_bytes": 10}],
        "skipped": [{"tarball": "b", "fuel_version": "5.1", "unpacked_bytes": 20,
                     "why": "this master runs Fuel 5.1"}],
    }),
    (events.Waiting("a lock", 1, 30), {"on": "a lock", "waited_s": 1, "wait_s": 30}),
    (events.UndoStarted("7f3a"), {"install": "7f3a"}),
    (events.Inconsistent("7f3a"), {"install": "7f3a"}),
    (events.Inconsistent("7f3a", "lost"), {"install": "7f3a", "what": "lost"}),
    (events.JobSucceeded(changed=True, result={"id": "7f3a"}),
     {"changed": True, "result": {"id": "7f3a"}}),
)  # fmt: skip


@pytest.mark.parametrize(("event", "keys"), EVENTS, ids=lambda value: type(value).__name__)
def test_an_event_has_its_fields_as_keys_and_comes_back(
    event: Event, keys: dict[str, object]
) -> None:
    streamed = StreamedEvent(event, TIME)
    line = to_json(streamed)
    assert line == {"format": 1, "event": event.kind, "at": TIME, **keys}
    assert parse_event(line) == streamed


@pytest.mark.parametrize("event", [events.JobFailed(ERROR), events.InstallFailed("7f3a", ERROR)])
def test_an_error_has_its_keys_beside_those_of_the_event(
    event: events.JobFailed | events.InstallFailed,
) -> None:
    line = to_json(StreamedEvent(event, TIME))
    assert ERROR.to_json().items() <= line.items()
    parsed = parse_event(line).event
    assert isinstance(parsed, type(event))
    assert parsed.error.to_json() == ERROR.to_json()


def test_steps_have_the_completion_of_the_job() -> None:
    streamed = StreamedEvent(events.StepStarted(1, "unpack", 9), TIME, Completion(50.0, None, 7))
    line = to_json(streamed)
    assert (line["percent"], line["bytes_per_s"], line["remaining_s"]) == (50.0, None, 7)
    assert parse_event(line) == streamed


def test_every_type_has_its_own_kind() -> None:
    kinds = [event.kind for event in get_args(Event)]
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize("line", [None, [], {}, {"event": 1}, {"event": "step", "number": "1"}])
def test_anything_else_is_refused(line: object) -> None:
    with pytest.raises(ValueError, match="event"):
        parse_event(line)


@pytest.mark.parametrize("key", ["on", "waited_s", "wait_s"])
def test_a_missing_key_is_refused(key: str) -> None:
    line = {"event": "waiting", **event_fields(events.Waiting("a lock", 1, 30))}
    del line[key]
    with pytest.raises(ValueError, match=key):
        parse_event(line)


def test_an_event_of_a_newer_daemon_is_unknown() -> None:
    assert parse_event({"event": "comet", "tail": 3}).event == events.UnknownEvent()


def test_the_status_is_a_line_with_a_time_too() -> None:
    line = status_to_json({"fuel_version": "6.0"}, TIME)
    assert line == {"format": 1, "event": "status", "at": TIME, "fuel_version": "6.0"}
