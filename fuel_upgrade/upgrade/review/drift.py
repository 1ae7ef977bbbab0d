"""The differences between a master and a saved plan, in words. Pure."""

from collections.abc import Iterator, Mapping
from itertools import chain

from fuel_upgrade.upgrade.review.preconditions import (
    BaseMark,
    Basis,
    LiveMark,
    ReleaseMark,
    StepMark,
)


def differences(planned: Basis, now: Basis) -> tuple[str, ...]:
    """Return each difference between the preconditions of the plan and the present ones."""
    changes = chain(
        _fuel(planned, now),
        _settings(planned.settings, now.settings),
        _releases(planned, now),
        _live(planned.live, now.live),
        _bases(planned.bases, now.bases),
        _steps(planned.steps, now.steps),
    )
    return tuple(changes)


def _fuel(planned: Basis, now: Basis) -> Iterator[str]:
    if planned.fuel_version != now.fuel_version:
        yield f"this master runs Fuel {now.fuel_version} now, it was {planned.fuel_version}"


def _settings(
    planned: Mapping[str, str | bool | None], now: Mapping[str, str | bool | None]
) -> Iterator[str]:
    for name in sorted(planned.keys() | now.keys()):
        was, new = planned.get(name), now.get(name)
        if was != new:
            yield f"the setting {name} is {_text(new)} now, it was {_text(was)}"


def _text(value: object) -> str:
    if value is None:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _releases(planned: Basis, now: Basis) -> Iterator[str]:
    before = {release.id: release for release in planned.releases}
    after = {release.id: release for release in now.releases}
    for number in sorted(before.keys() | after.keys()):
        if number not in before:
            yield f"release {_name(after[number])} was registered since (id {number})"
        elif number not in after:
            yield f"release {_name(before[number])} is registered no longer (id {number})"
        else:
            yield from _changed(before[number], after[number])


def _name(release: ReleaseMark) -> str:
    return f"{release.name} ({release.version}) for {release.operating_system}"


def _changed(old: ReleaseMark, new: ReleaseMark) -> Iterator[str]:
    if _name(old) != _name(new):
        yield f"release id {new.id} is {_name(new)} now, it was {_name(old)}"
    if old.state != new.state:
        yield f"release {_name(new)}, id {new.id}, is {new.state!r} now, it was {old.state!r}"
    if old.orchestrator_sha256 != new.orchestrator_sha256:
        yield f"release {_name(new)}, id {new.id}, has other repos or puppet sources now"


def _live(planned: Mapping[str, LiveMark], now: Mapping[str, LiveMark]) -> Iterator[str]:
    """Compare the paths of both. A path of only one is reported as another step."""
    for path in sorted(planned.keys() & now.keys()):
        old, new = planned[path], now[path]
        if old == new:
            continue
        if old.kind == "nothing":
            yield f"{path} exists now: a {new.kind}"
        elif new.kind == "nothing":
            yield f"{path} is gone; it was a {old.kind}"
        elif old.kind != new.kind:
            yield f"{path} is a {new.kind} now, it was a {old.kind}"
        elif old.kind == "link" and old.content != new.content:
            yield f"{path} leads to {new.content} now, it led to {old.content}"
        elif old.content != new.content:
            yield f"{path} has other content now"
        else:
            yield f"{path} was replaced by another {new.kind}"


def _bases(planned: Mapping[str, BaseMark], now: Mapping[str, BaseMark]) -> Iterator[str]:
    for name in sorted(planned.keys() & now.keys()):
        old, new = planned[name], now[name]
        if old.found != new.found:
            yield (
                f"{name} would build on {new.found or 'nothing'} now, not on"
                f" {old.found or 'nothing'}"
            )
        for url in sorted(old.indexes.keys() & new.indexes.keys()):
            if old.indexes[url] != new.indexes[url]:
                yield f"the base repo {url} of {name} has another index now"


def _steps(planned: tuple[StepMark, ...], now: tuple[StepMark, ...]) -> Iterator[str]:
    before = {step.title: step.sha256 for step in planned}
    after = {step.title: step.sha256 for step in now}
    for title in before:
        if title not in after:
            yield f"the step {title!r} is not to be done any more"
    for title, sha256 in after.items():
        if title not in before:
            yield f"there is a new step {title!r}"
        elif before[title] != sha256:
            yield f"the step {title!r} would do something else now"
    if list(before) != list(after) and before.keys() == after.keys():
        yield "the steps come in another order now"
