"""The steps that register a release in Nailgun and post a notification about it."""

from dataclasses import dataclass
from typing import Any, ClassVar

from fuel_upgrade.errors import OutsideError, PreflightError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease
from fuel_upgrade.release.nailgun_repos import read_release
from fuel_upgrade.release.readback import differences, is_rendered_from
from fuel_upgrade.upgrade.steps.nailgun_call import NOTIFICATIONS, RELEASES, TASKS, Call
from fuel_upgrade.upgrade.steps.reconcile import until_known
from fuel_upgrade.upgrade.steps.release_body import Body, find_registered, title_of
from fuel_upgrade.upgrade.steps.repo_order import keep_order
from fuel_upgrade.upgrade.steps.step import Step, World

_SHOWN = 5
_MAP = "orchestrator_data"  # only the 6.0 has it, and no deployment tasks


@dataclass(frozen=True, slots=True)
class RegisterFacts:
    """``id`` is the release's id: the adopted one, or the new one once it is known."""

    id: int | None


@dataclass(frozen=True, slots=True)
class Register(Step[RegisterFacts]):
    """Register a release by posting ``body``, or adopt the equal release of id ``adopt``.

    Neither this step nor its undo changes an adopted release.
    """

    kind: ClassVar[str] = "register"
    facts_type: ClassVar[type[Any]] = RegisterFacts
    needs_backups: ClassVar[bool] = False
    changes_nailgun: ClassVar[bool] = True

    body: Body
    adopt: int | None

    def created_release(self, facts: RegisterFacts) -> int | None:
        """Return the id of the new release; None if it was adopted or is not known yet."""
        return facts.id if self.adopt is None else None

    def nailgun_calls(self) -> tuple[Call, ...]:
        """Return the requests, without a search after a lost answer and other keys of repos."""
        look = Call("GET", RELEASES, "make sure that the name is not taken")
        if self.adopt is not None:
            return (look,)
        return (
            look,
            Call("POST", RELEASES, "register a release"),
            Call("GET", f"{RELEASES}ID/", "read it back"),
            Call("GET", f"{RELEASES}ID/networks", "read it back"),
            *(() if _MAP in self.body else (Call("GET", TASKS, "read it back"),)),
            Call("DELETE", f"{RELEASES}ID/", "delete the release", undo=True),
        )

    def inspect(self, world: World) -> RegisterFacts:
        """Make sure that a release of this name, if one is registered later, is this step's own.

        Raises:
            PreflightError: somebody registered it after the plan was made.
        """
        release = find_registered(world.control, self.body)
        if release is not None and release.id != self.adopt:
            raise PreflightError(
                f"release {release.name} ({release.version}) was registered by somebody else, id"
                f" {release.id}, since this install was planned",
                remedy="look at it with fuel-upgrade releases, then install again",
            )
        return RegisterFacts(self.adopt)

    def apply(self, facts: RegisterFacts, world: World) -> RegisterFacts:
        """Post the release and read it back, unless an equal one is adopted.

        If a post gets no answer, the release is looked up before the post is repeated: it is never
        registered twice.

        Raises:
            ControlPlaneError: Nailgun refuses, or does not answer in any of the tries.
            OutsideError: the registered release differs from the posted one, and was deleted; or
                its repos do not come back in their order.
        """
        if self.adopt is not None:
            return facts
        control = world.control
        release_id = until_known(
            lambda: control.create_release(self.body).id, lambda: self._find_own(control)
        )
        shown = control.release_body(release_id)
        if changed := differences(self.body, shown):
            # Only here the id proves that the release is this step's own, whatever its content.
            control.delete_release(release_id)
            raise OutsideError(
                f"Nailgun registered release {title_of(self.body)} in another form than it was"
                f" posted: {_first(changed)}",
                remedy="see whether nailgun.dialect is the one of this Nailgun, and its log",
            )
        if posted := self._posted():
            keep_order(control, release_id, posted, shown)
        return RegisterFacts(release_id)

    def revert(self, facts: RegisterFacts, world: World) -> None:
        """Delete the release if this step made it, even if the answer to the post was lost.

        A release of its name with other repos was registered by somebody else, and is kept.

        Raises:
            ControlPlaneError: Nailgun refuses, for example because a cluster uses it.
        """
        if self.adopt is not None:
            return
        created = facts.id
        if created is None:
            release = find_registered(world.control, self.body)
            created = release.id if release and self.is_source_of(release) else None
        if created is not None:
            world.control.delete_release(created)

    def revert_late(self, facts: RegisterFacts, world: World) -> None:
        """Delete the release of a late post, whose id is not known."""
        self.revert(RegisterFacts(None), world)

    def may_be_unanswered(self, facts: RegisterFacts) -> bool:
        """Return whether the post may have got no response."""
        return self.adopt is None and facts.id is None

    def is_source_of(self, release: RegisteredRelease) -> bool:
        """Return whether a release has the repos and puppet sources of ``body``."""
        posted = self._posted()
        return posted is not None and is_rendered_from(posted, release)

    def _posted(self) -> OrchestratorData | None:
        return read_release({**self.body, "id": 0}).orchestrator

    def _find_own(self, control: ControlPlane) -> int | None:
        """Return the id of the release that an unanswered post of this step registered, if any.

        Raises:
            OutsideError: somebody else registered another one in the meantime.
        """
        release = find_registered(control, self.body)
        if release is None:
            return None
        if not self.is_source_of(release):
            raise OutsideError(
                f"release {release.name} ({release.version}), id {release.id}, is not the one that"
                " was posted",
                remedy="look at it with fuel-upgrade releases, then install again",
            )
        return release.id


def _first(changes: tuple[str, ...]) -> str:
    more = f", and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    return "; ".join(changes[:_SHOWN]) + more


@dataclass(frozen=True, slots=True)
class NotifyFacts:
    """``before`` has the ids of earlier notifications of the same text."""

    before: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Notify(Step[NotifyFacts]):
    """Post a notification."""

    kind: ClassVar[str] = "notify"
    facts_type: ClassVar[type[Any]] = NotifyFacts
    needs_backups: ClassVar[bool] = False
    changes_nailgun: ClassVar[bool] = True

    message: str

    def nailgun_calls(self) -> tuple[Call, ...]:
        """Return the requests."""
        return (
            Call("GET", NOTIFICATIONS, "note those of the same text"),
            Call("POST", NOTIFICATIONS, "notify of a release"),
            Call("GET", NOTIFICATIONS, "make sure that it is there once"),
            Call("GET", NOTIFICATIONS, "find the notification", undo=True),
            Call("DELETE", f"{NOTIFICATIONS}ID/", "delete the notification", undo=True),
        )

    def inspect(self, world: World) -> NotifyFacts:
        """Return the notifications of the same text."""
        return NotifyFacts(tuple(sorted(self._equal(world))))

    def apply(self, facts: NotifyFacts, world: World) -> NotifyFacts:
        """Post it exactly once, like :meth:`Register.apply`."""
        before = set(facts.before)
        until_known(
            lambda: world.control.notify(self.message),
            lambda: next(iter(self._equal(world) - before), None),
        )
        for late in sorted(self._equal(world) - before)[1:]:  # an unanswered post arrived late
            world.control.delete_notification(late)
        return facts

    def revert(self, facts: NotifyFacts, world: World) -> None:
        """Delete the notifications of this text that are newer than the step."""
        for notification in self._equal(world) - set(facts.before):
            world.control.delete_notification(notification)

    def _equal(self, world: World) -> set[int]:
        notifications = world.control.notifications()
        return {n.id for n in notifications if n.message == self.message}
