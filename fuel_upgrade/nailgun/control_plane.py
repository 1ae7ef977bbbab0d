"""The interface to Nailgun that upgrades use, and the values of its methods."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from fuel_upgrade.errors import ControlPlaneError
from fuel_upgrade.release.dialect import Dialect
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease
from fuel_upgrade.release.puppet_tasks import DeploymentTask

# ``TASK_STATUSES`` of Nailgun 6.0 are ready, running and error; later ones have pending too.
_UNDER_WAY = frozenset({"running", "pending"})


class ReleaseInUseError(ControlPlaneError):
    """Nailgun keeps a release because environments use it (contract: ``delete ... in use``)."""

    default_code = "release-in-use"

    def __init__(self, method: str, path: str, status: int | None, reason: str) -> None:
        remedy = "delete the environments that use this release, or keep the release"
        super().__init__(method, path, status, reason, remedy=remedy)


@dataclass(frozen=True, slots=True)
class Notification:
    """A message to the operator; ``status`` is ``read`` or ``unread``."""

    id: int
    topic: str
    message: str
    status: str

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Self:
        """Read one entry of ``GET /notifications/`` (contract: ``list notifications``)."""
        return cls(
            id=int(data["id"]),
            topic=str(data["topic"]),
            message=str(data["message"]),
            status=str(data["status"]),
        )


@dataclass(frozen=True, slots=True)
class Task:
    """A task of Nailgun; ``cluster`` is an id, None for a task without an environment.

    ``progress`` is in percent, None if unknown.
    """

    id: int
    cluster: int | None
    name: str
    status: str
    progress: int | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether the task runs or is about to; a task ends as ``ready`` or ``error``."""
        return self.status in _UNDER_WAY

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Self:
        """Read one entry of ``GET /tasks`` (contract: ``tasks``)."""
        cluster, progress = data.get("cluster"), data.get("progress")
        return cls(
            id=int(data["id"]),
            cluster=None if cluster is None else int(cluster),
            name=str(data["name"]),
            status=str(data["status"]),
            progress=None if progress is None else int(progress),
        )


@dataclass(frozen=True, slots=True)
class Cluster:
    """An environment, and the release that it was made with."""

    id: int
    name: str
    release_id: int

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Self:
        """Read one entry of ``GET /clusters/`` (contract: ``clusters``)."""
        return cls(
            id=int(data["id"]),
            name=str(data["name"]),
            release_id=int(data["release_id"]),
        )


@dataclass(frozen=True, slots=True)
class Node:
    """A server that Nailgun knows; ``cluster`` is an id, None for a node without an environment."""

    id: int
    name: str
    status: str
    cluster: int | None
    is_online: bool

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Self:
        """Read one entry of ``GET /nodes/``: Nailgun 6.0, ``api/serializers/node.py``.

        The contract was recorded without nodes.
        """
        cluster = data.get("cluster")
        return cls(
            id=int(data["id"]),
            name=str(data["name"]),
            status=str(data["status"]),
            cluster=None if cluster is None else int(cluster),
            is_online=bool(data["online"]),
        )


class ControlPlane(Protocol):
    """The operations of Nailgun. Every method may raise ``ControlPlaneError``."""

    def version(self) -> str:
        """Return the version of Fuel that runs, such as ``5.1.1``."""

    def dialect(self) -> Dialect:
        """Return the form of repos that this Nailgun accepts in releases."""

    def releases(self) -> tuple[RegisteredRelease, ...]:
        """Return every release, in Nailgun's order: newest first."""

    def release(self, release_id: int) -> RegisteredRelease:
        """Return one release; the error's status is 404 when there is none."""

    def create_release(self, body: Mapping[str, Any]) -> RegisteredRelease:
        """Register a release; the error's status is 409 for a name and version that are taken."""

    def release_body(self, release_id: int) -> dict[str, Any]:
        """Return the body to post the release again, as far as Nailgun shows it.

        Nailgun does not show ``volumes_metadata``. The id is left out. From 6.1 on the body has
        the deployment tasks.
        """

    def deployment_tasks(self, release_id: int) -> tuple[DeploymentTask, ...]:
        """Return the deployment tasks of a release, which Nailgun has from 6.1 on."""

    def put_deployment_tasks(self, release_id: int, tasks: Sequence[DeploymentTask]) -> None:
        """Replace the deployment tasks of a release."""

    def set_repos(
        self, release_id: int, data: OrchestratorData, *, key_set: int = 0
    ) -> RegisteredRelease:
        """Give a release this chain of repos and these puppet sources; the rest stays.

        Each ``key_set`` has other keys in a map of repos.
        """

    def delete_release(self, release_id: int) -> bool:
        """Remove a release; False if it was already gone.

        Raises:
            ReleaseInUseError: environments use it.
        """

    def notify(self, message: str, topic: str = "release") -> int:
        """Notify the operator; return the id of the notification."""

    def notifications(self) -> tuple[Notification, ...]:
        """Return every notification."""

    def delete_notification(self, notification_id: int) -> bool:
        """Remove a notification; False if it was already gone."""

    def running_tasks(self) -> tuple[Task, ...]:
        """Return the tasks that run or are about to."""

    def clusters(self) -> tuple[Cluster, ...]:
        """Return every environment."""

    def assume_unanswered(self) -> None:
        """Act as if a change that was sent until now got no response: its sender was killed."""

    def await_late_changes(self) -> Iterator[int]:
        """Wait until no change without a response can be carried out any more.

        Yield the remaining seconds after each pause; nothing if every change got its response.
        """
