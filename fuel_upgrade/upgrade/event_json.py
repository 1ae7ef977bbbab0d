"""The JSON form of events: a line of the stream, which the daemon writes and the command parses."""

from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin

from fuel_upgrade.errors import FORMAT, UpgradeError, from_json
from fuel_upgrade.upgrade.events import Event, UnknownEvent

E = TypeVar("E", bound=Event)
_TYPES: Mapping[str, type[Event]] = {event.kind: event for event in get_args(Event)}


@dataclass(frozen=True, slots=True)
class Completion:
    """The completed part of a job; a number that cannot be computed yet is None."""

    percent: float | None = None
    bytes_per_s: int | None = None
    remaining_s: int | None = None


@dataclass(frozen=True, slots=True)
class StreamedEvent:
    """An event of the stream: its time in ISO 8601, and the completion of the job if it has one."""

    event: Event
    at: str
    completion: Completion | None = None


def to_json(streamed: StreamedEvent) -> dict[str, Any]:
    """Return the JSON form of an event."""
    return {
        "format": FORMAT,
        "event": streamed.event.kind,
        "at": streamed.at,
        **event_fields(streamed.event),
        **(asdict(streamed.completion) if streamed.completion else {}),
    }


def status_to_json(status: Mapping[str, Any], at: str) -> dict[str, Any]:
    """Return the line with which the command begins a stream: the answer of ``GET /v1/status``."""
    return {"format": FORMAT, "event": "status", "at": at, **status}


def event_fields(event: Event) -> dict[str, Any]:
    """Return the keys that an event has of its own; a field that is None has no key.

    An error has its keys beside the others, not below one of its own.
    """
    keys: dict[str, Any] = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, UpgradeError):
            keys.update(value.to_json())
        elif value is not None:
            keys[field.name] = _plain(value)
    return keys


def parse_event(line: Any) -> StreamedEvent:
    """Parse a line of the stream.

    Raises:
        ValueError: it is not an event, or a key is missing or has a value of another type.
    """
    match line:
        case {"event": str(name)}:
            kind = _TYPES.get(name, UnknownEvent)
        case _:
            raise ValueError("a line is no event")
    completion = None
    if kind.has_completion:
        completion = Completion(*(line.get(field.name) for field in fields(Completion)))
    return StreamedEvent(parse_fields(kind, line), str(line.get("at", "")), completion)


def parse_fields(kind: type[E], keys: Mapping[str, Any]) -> E:
    """Parse the keys that an event of a type has of its own; errors as :func:`parse_event`."""
    try:
        return kind(**{f.name: _parse(f, keys) for f in fields(kind) if _is_given(f, keys)})
    except (TypeError, KeyError) as error:
        raise ValueError(f"event {kind.kind}: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _is_given(field: Field[Any], line: Mapping[str, Any]) -> bool:
    return field.name in line or field.type is UpgradeError


def _parse(field: Field[Any], line: Mapping[str, Any]) -> Any:
    if field.type is UpgradeError:
        return from_json(line)
    return _parse_value(field.type, line[field.name])


def _parse_value(kind: Any, value: Any) -> Any:
    """Parse a value as ``kind``: a plain type, a mapping, a tuple of one type, or a dataclass."""
    if get_origin(kind) is tuple:
        return tuple(_parse_value(get_args(kind)[0], item) for item in value)
    if is_dataclass(kind):
        return kind(**{f.name: _parse_value(f.type, value[f.name]) for f in fields(kind)})  # type: ignore[operator]
    if not isinstance(value, Mapping if get_origin(kind) is Mapping else kind):
        raise TypeError(f"{value!r} is no {kind}")
    return value
