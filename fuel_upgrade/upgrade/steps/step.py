"""The base of all steps: a reversible change as a value, with its form in the journal."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from pydantic import TypeAdapter

from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.system.progress import Progress
from fuel_upgrade.upgrade.hooks import Context, Hook, HookRun
from fuel_upgrade.upgrade.records import Json, StepRecord, StepState
from fuel_upgrade.upgrade.steps.nailgun_call import Call

FactsT = TypeVar("FactsT")
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)  # making one is slow


class RunsHooks(Protocol):
    """Runs hooks and records each result in the journal."""

    def run(self, hook: Hook, context: Context, *, forward: bool) -> HookRun:
        """Run a hook to its end. The job can be interrupted meanwhile if ``forward``."""
        ...

    def may_have_worked(self, hook: Hook, install: str) -> bool:
        """Return whether a run of the hook for this install succeeded, or has no known result."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """The services that steps use. ``hooks`` is needed by hook steps only."""

    control: ControlPlane
    progress: Progress
    hooks: RunsHooks | None = None


class HasStep(Protocol):
    """Anything that carries the kind and the parameters of a step: a plan or a journal entry."""

    @property
    def kind(self) -> str:
        """The kind of the step."""
        ...

    @property
    def params(self) -> Json:
        """The parameters of the step in JSON."""
        ...


@dataclass(frozen=True, slots=True)
class NoFacts:
    """The facts of a step whose undo needs its parameters only."""


class Step(ABC, Generic[FactsT]):
    """One reversible change. A subclass is a frozen dataclass of the step's parameters.

    ``apply`` and ``revert`` must accept every state that a crash leaves: ``revert`` undoes a step
    that was applied in part, undoes nothing that this step did not make, and changes nothing the
    second time. Parameters and facts are stored in the journal in JSON, with the names of the
    fields. Journals are kept for years: a new field needs a default.
    """

    __slots__ = ()
    kind: ClassVar[str]
    """The name of the kind in the journal."""
    facts_type: ClassVar[type[Any]] = NoFacts
    """The frozen dataclass of the facts that undo needs; ``inspect`` and ``apply`` return one."""
    before_live: ClassVar[bool] = False
    """Whether nothing live has changed after this step."""
    owns_backups: ClassVar[bool] = False
    """Whether ``backup_folders`` of this step hold the content that other steps replaced."""
    kept_while_stuck: ClassVar[bool] = False
    """Whether its undo removes a staging folder in which a stuck step may have its backup."""
    needs_backups: ClassVar[bool] = True
    """Whether its undo needs files in staging. The journal is enough for the steps in Nailgun."""
    changes_nailgun: ClassVar[bool] = False
    """Whether it sends changes to Nailgun; without a response they may be carried out late."""

    @abstractmethod
    def inspect(self, world: World) -> FactsT:
        """Return the facts that undo will need, before the first change."""

    @abstractmethod
    def apply(self, facts: FactsT, world: World) -> FactsT:
        """Make the change. Return the facts, completed by the results of the change."""

    @abstractmethod
    def revert(self, facts: FactsT, world: World) -> None:
        """Undo the change, whether it was applied in whole, in part or not at all."""

    def discard(self, facts: FactsT, world: World) -> None:
        """Undo the change as far as it is visible; :meth:`revert` may then free disk space."""
        self.revert(facts, world)

    def revert_late(self, facts: FactsT, world: World) -> None:
        """Undo the changes that Nailgun carried out after :meth:`revert`."""
        self.revert(facts, world)

    def may_be_unanswered(self, facts: FactsT) -> bool:
        """Return whether a change may have got no response, if the step was interrupted."""
        return self.changes_nailgun

    @property
    def backup_folders(self) -> tuple[Path, ...]:
        """The folders that hold the content that this change replaced."""
        return ()

    def created_release(self, facts: FactsT) -> int | None:
        """Return the id of the release that this step registered."""
        return None

    def nailgun_calls(self) -> tuple[Call, ...]:
        """Return the requests that this step and its undo send to Nailgun."""
        return ()

    def to_json(self) -> Json:
        """Return the parameters in the form of plans and the journal."""
        params: Json = _adapter(type(self)).dump_python(self, mode="json")
        return params

    def comparable_json(self) -> Json:
        """Return the parameters that must not change between a plan and its install."""
        return self.to_json()

    @classmethod
    def from_json(cls, params: Json) -> Self:
        """Read the parameters from a plan or the journal.

        Raises:
            ValueError: they are malformed.
        """
        step: Self = _adapter(cls).validate_python(params)
        return step

    @classmethod
    def facts_to_json(cls, facts: FactsT) -> Json:
        """Return the facts in the form of the journal."""
        data: Json = _adapter(cls.facts_type).dump_python(facts, mode="json")
        return data

    @classmethod
    def facts_from_json(cls, data: Json) -> FactsT:
        """Read the facts of a step that has begun.

        Raises:
            ValueError: they are malformed.
        """
        facts: FactsT = _adapter(cls.facts_type).validate_python(data)
        return facts

    @classmethod
    def among(cls, entries: Iterable[HasStep]) -> Iterator[Self]:
        """Yield the steps of this kind."""
        return (cls.from_json(entry.params) for entry in entries if entry.kind == cls.kind)

    @classmethod
    def begun(cls, records: Iterable[StepRecord]) -> Iterator[tuple[Self, FactsT]]:
        """Yield the steps of this kind that have begun, each with its facts."""
        for record in records:
            if record.kind == cls.kind and record.state is not StepState.PLANNED:
                yield cls.from_json(record.params), cls.facts_from_json(record.facts)
