"""The registry's contents: every method is one transaction on SQLite or PostgreSQL."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fuel_upgrade.registry.auth.accounts import Accounts
from fuel_upgrade.registry.auth.passwords import BLOCKS
from fuel_upgrade.registry.limits import LARGEST_ID
from fuel_upgrade.registry.refusal import RefusedError, bad_request, conflict
from fuel_upgrade.registry.release_order import Key, release_order
from fuel_upgrade.registry.resources import (
    Cluster,
    JsonObject,
    Node,
    Notification,
    ReleaseFields,
    StoredRelease,
    Task,
)
from fuel_upgrade.registry.store.database import Database
from fuel_upgrade.registry.store.migrate import migrate
from fuel_upgrade.registry.store.rows import (
    AnyRow,
    check_text,
    check_texts,
    delete_one,
    get,
    insert,
)
from fuel_upgrade.registry.store.tables import (
    ClusterRow,
    NodeRow,
    NotificationRow,
    ReleaseRow,
    Table,
    TaskRow,
)

_TAKEN = "Release with the same name and version already exists"
_RELEASE = Table.metadata.tables["releases"].c
_IN_USE = "Can't delete release with clusters assigned"
_NAME_TAKEN = "Environment with this name already exists"
_TASK_RUNS = "You cannot delete running task manually"

Value = TypeVar("Value")
#: Refuses with 409 a name and version that another release than the one being changed has.
RefuseTaken = Callable[[object, object], None]


class Store:
    """Releases, clusters, nodes, tasks and notifications; every method is one transaction.

    Methods can be called from any thread. A request that the contract refuses raises
    ``RefusedError``, a database that does not answer ``UnavailableError``. ``accounts`` has users
    and tokens.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.time,
        hash_blocks: int = BLOCKS,
    ) -> None:
        self.database = database
        self.accounts = Accounts(database, clock, hash_blocks=hash_blocks)
        self._clock = clock

    @classmethod
    def open(
        cls,
        url: str,
        *,
        backups: Path | None = None,
        clock: Callable[[], float] = time.time,
        hash_blocks: int = BLOCKS,
    ) -> Self:
        """Open the database at ``url``, and migrate its tables to the current revision.

        Args:
            url: ``sqlite:////ABSOLUTE/PATH`` or ``postgresql+psycopg://USER@HOST/NAME``.
            backups: the folder for the backup of PostgreSQL before a migration.
            clock: gives seconds since the epoch.
            hash_blocks: the cost of a password's hash; the same at every opening.

        Raises:
            ConfigError: the URL is none of these.
            OutsideError: it cannot be opened, is no database, or one of newer code.
        """
        database = Database.connect(url)
        try:
            migrate(database, backups=backups)
        except BaseException:
            database.close()
            raise
        return cls(database, clock=clock, hash_blocks=hash_blocks)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    def releases(self) -> tuple[StoredRelease, ...]:
        """Return all releases in the order of Nailgun."""
        return tuple(sorted(self._all(ReleaseRow), key=_order, reverse=True))

    def release(self, release_id: int) -> StoredRelease:
        """Return one release, or refuse with 404."""
        return self._one(ReleaseRow, release_id, "Release")

    def refuse_taken(self, name: object, version: object) -> None:
        """Refuse with 409 if a release has the name and version."""
        self.database.read(lambda session: _refuse_taken(session, name, version, other_than=0))

    def add_release(self, fields: ReleaseFields) -> StoredRelease:
        """Write a new release, or refuse with 409."""

        def make() -> ReleaseRow:
            row = ReleaseRow()
            row.fill(fields)
            return row

        return self._add(make, refusal=conflict(_TAKEN))

    def change_release(
        self, release_id: int, change: Callable[[ReleaseFields, RefuseTaken], ReleaseFields]
    ) -> StoredRelease:
        """Replace the fields of a release by ``change(fields)``.

        The row is locked meanwhile. ``change`` may run several times, and refuses by raising.
        """

        def work(session: Session) -> StoredRelease:
            row = get(session, ReleaseRow, release_id, "Release", locked=True)

            def refuse_taken(name: object, version: object) -> None:
                _refuse_taken(session, name, version, other_than=release_id)

            row.fill(change(row.value().fields, refuse_taken))
            check_texts(row)
            session.flush()
            return row.value()

        return self.database.write_or_refuse(work, conflict(_TAKEN))

    def delete_release(self, release_id: int) -> None:
        """Remove a release, or refuse with 404, or with 400 when clusters use it."""
        self._delete(ReleaseRow, release_id, "Release", refusal=bad_request(_IN_USE))

    def notifications(self) -> tuple[Notification, ...]:
        """Return all notifications, oldest first."""
        return self._all(NotificationRow)

    def notification(self, notification_id: int) -> Notification:
        """Return one notification, or refuse with 404."""
        return self._one(NotificationRow, notification_id, "Notification")

    def add_notification(self, topic: str, message: str) -> Notification:
        """Write a new, unread notification."""
        now = int(self._clock())
        return self._add(
            lambda: NotificationRow(topic=topic, message=message, status="unread", created_s=now)
        )

    def mark_notifications(self, statuses: Mapping[int, str]) -> tuple[Notification, ...]:
        """Set ``read`` or ``unread`` of each id, or refuse with 404."""

        def mark(session: Session, notification_id: int, status: str) -> Notification:
            row = get(session, NotificationRow, notification_id, "Notification", locked=True)
            row.status = status
            return row.value()

        return self.database.write(
            lambda session: tuple(mark(session, *item) for item in statuses.items())
        )

    def delete_notification(self, notification_id: int) -> None:
        """Remove a notification, or refuse with 404."""
        self._delete(NotificationRow, notification_id, "Notification")

    def clusters(self) -> tuple[Cluster, ...]:
        """Return all clusters, oldest first."""
        return self._all(ClusterRow)

    def cluster(self, cluster_id: int) -> Cluster:
        """Return one cluster, or refuse with 404."""
        return self._one(ClusterRow, cluster_id, "Cluster")

    def add_cluster(  # noqa: PLR0913 - the columns
        self,
        name: str,
        release_id: int,
        *,
        fuel_version: str,
        mode: str = "ha_compact",
        net_provider: str = "nova_network",
        attributes: Callable[[Cluster, StoredRelease], JsonObject] = lambda *_: {},
    ) -> Cluster:
        """Write a new cluster; refuse with 400 without its release, with 409 if the name is taken.

        ``attributes`` may refuse the release, which cannot go away before the write.
        """

        def work(session: Session) -> Cluster:
            release = _release_of_cluster(session, release_id)
            row = ClusterRow(
                name=name,
                release_id=release_id,
                fuel_version=fuel_version,
                mode=mode,
                net_provider=net_provider,
            )
            row.attributes = json.dumps(attributes(insert(session, row), release))
            session.flush()
            return row.value()

        return self.database.write_or_refuse(work, conflict(_NAME_TAKEN))

    def change_cluster(
        self, cluster_id: int, change: Callable[[Cluster, StoredRelease], Cluster]
    ) -> Cluster:
        """Replace name, release, mode and attributes of a cluster by those of ``change``.

        The row is locked meanwhile. ``change`` may run several times, and refuses by raising.
        """

        def work(session: Session) -> Cluster:
            row = get(session, ClusterRow, cluster_id, "Cluster", locked=True)
            changed = change(row.value(), _release_of_cluster(session, row.release_id))
            _release_of_cluster(session, changed.release_id)
            row.name, row.release_id, row.mode = changed.name, changed.release_id, changed.mode
            row.attributes = json.dumps(changed.attributes)
            check_texts(row)
            session.flush()
            return row.value()

        return self.database.write_or_refuse(work, conflict(_NAME_TAKEN))

    def delete_cluster(self, cluster_id: int) -> None:
        """Remove a cluster, or refuse with 404."""
        self._delete(ClusterRow, cluster_id, "Cluster")

    def tasks(self) -> tuple[Task, ...]:
        """Return all tasks, oldest first."""
        return self._all(TaskRow)

    def task(self, task_id: int) -> Task:
        """Return one task, or refuse with 404."""
        return self._one(TaskRow, task_id, "Task")

    def add_task(self, name: str, status: str, *, cluster_id: int | None = None) -> Task:
        """Write a task. No request does this, only the program that embeds the registry."""
        return self._add(
            lambda: TaskRow(name=name, status=status, progress=0, message="", cluster_id=cluster_id)
        )

    def delete_task(self, task_id: int) -> None:
        """Remove a task, or refuse with 404, or with 400 while it runs."""

        def work(session: Session) -> None:
            row = get(session, TaskRow, task_id, "Task", locked=True)
            if row.status == "running":
                raise bad_request(_TASK_RUNS)
            session.delete(row)

        self.database.write(work)

    def nodes(self) -> tuple[Node, ...]:
        """Return all nodes, oldest first."""
        return self._all(NodeRow)

    def node(self, node_id: int) -> Node:
        """Return one node, or refuse with 404."""
        return self._one(NodeRow, node_id, "Node")

    def add_node(self, name: str, status: str, *, cluster_id: int | None = None) -> Node:
        """Write a node. No request does this, only the program that embeds the registry."""
        return self._add(lambda: NodeRow(name=name, status=status, cluster_id=cluster_id))

    def _all(self, table: type[AnyRow[Value]]) -> tuple[Value, ...]:
        query = select(table).order_by(table.id)
        return self.database.read(
            lambda session: tuple(row.value() for row in session.scalars(query))
        )

    def _one(self, table: type[AnyRow[Value]], row_id: int, kind: str) -> Value:
        return self.database.read(lambda session: get(session, table, row_id, kind).value())

    def _add(
        self, make: Callable[[], AnyRow[Value]], *, refusal: RefusedError | None = None
    ) -> Value:
        return self.database.write_or_refuse(lambda session: insert(session, make()), refusal)

    def _delete(
        self,
        table: type[AnyRow[Value]],
        row_id: int,
        kind: str,
        *,
        refusal: RefusedError | None = None,
    ) -> None:
        query = delete(table).where(table.id == (row_id if 0 < row_id <= LARGEST_ID else 0))
        self.database.write_or_refuse(lambda session: delete_one(session, query, kind), refusal)


def _release_of_cluster(session: Session, release_id: int) -> StoredRelease:
    try:
        return get(session, ReleaseRow, release_id, "Release", locked=True).value()
    except RefusedError as error:
        raise bad_request("Invalid release ID") from error


def _order(release: StoredRelease) -> Key:
    return release_order(release.fields.version, release.fields.operating_system)


def _refuse_taken(session: Session, name: object, version: object, *, other_than: int) -> None:
    for column, value in (("name", name), ("version", version)):
        check_text(_RELEASE[column], str(value))
    query = select(ReleaseRow.id).where(
        ReleaseRow.name == str(name),
        ReleaseRow.version == str(version),
        ReleaseRow.id != other_than,
    )
    if session.scalars(query).first() is not None:
        raise conflict(_TAKEN)
