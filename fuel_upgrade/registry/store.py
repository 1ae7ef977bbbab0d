"""The registry's database: SQLite by default, PostgreSQL by URL."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy import ColumnElement, Engine, create_engine, delete, event, make_url, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.registry import passwords
from fuel_upgrade.registry.model import (
    Cluster,
    Node,
    Notification,
    ReleaseFields,
    StoredRelease,
    Task,
)
from fuel_upgrade.registry.ordering import Key, newest_key
from fuel_upgrade.registry.refusal import RefusedError, bad_request, conflict, not_found
from fuel_upgrade.registry.tables import (
    ClusterRow,
    NodeRow,
    NotificationRow,
    ReleaseRow,
    Table,
    TaskRow,
    TokenRow,
    UserRow,
)

TOKEN_LIFETIME_S = 24 * 60 * 60
_LARGEST_ID = 2**31 - 1  # of an integer column in PostgreSQL
_TAKEN = "Release with the same name and version already exists"
_IN_USE = "Can't delete release with clusters assigned"
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # the journal of an install relies on what was answered
    "busy_timeout=10000",
    "foreign_keys=ON",
)

Value_co = TypeVar("Value_co", covariant=True)
Value = TypeVar("Value")


class _Row(Protocol[Value_co]):
    id: Any  # a mapped column: a different type on the class and on its rows

    def value(self) -> Value_co: ...


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Who has a token, and until when, in seconds since the epoch."""

    user_id: int
    name: str
    expires_s: int


class Store:
    """Releases and what surrounds them; every method is one transaction.

    Methods may be called from any thread. What the contract refuses raises ``RefusedError``.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._sessions = sessionmaker(engine, expire_on_commit=False)

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], float] = time.time) -> Self:
        """Open the database at ``url`` (``sqlite:////abs/path``) and make what tables it lacks.

        Raises:
            OutsideError: it cannot be opened, or is no database.
        """
        try:
            engine = create_engine(url)
            _prepare_sqlite(engine)
            Table.metadata.create_all(engine)
        except (SQLAlchemyError, OSError) as error:
            place = make_url(url).render_as_string(hide_password=True)
            raise OutsideError(
                f"the registry's database {place} cannot be opened: {error}",
                remedy="make its folder writable and check that nothing else wrote the file",
            ) from error
        return cls(engine, clock=clock)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def releases(self) -> tuple[StoredRelease, ...]:
        """Return all releases, newest first."""
        with self._sessions() as session:
            found = [row.value() for row in session.scalars(select(ReleaseRow))]
        return tuple(sorted(found, key=_newness, reverse=True))

    def release(self, release_id: int) -> StoredRelease:
        """Return one release, or refuse with 404."""
        return self._one(ReleaseRow, release_id, "Release")

    def refuse_taken(self, name: object, version: object, *, other_than: int = 0) -> None:
        """Refuse with 409 if a release other than this id has the name and version."""
        wanted = select(ReleaseRow.id).where(
            ReleaseRow.name == str(name),
            ReleaseRow.version == str(version),
            ReleaseRow.id != other_than,
        )
        with self._sessions() as session:
            if session.scalars(wanted).first() is not None:
                raise conflict(_TAKEN)

    def add_release(self, fields: ReleaseFields) -> StoredRelease:
        """Write a new release, or refuse with 409."""
        row = ReleaseRow()
        row.fill(fields)
        return self._add(row, refusal=conflict(_TAKEN))

    def put_release(self, release_id: int, fields: ReleaseFields) -> StoredRelease:
        """Overwrite a release, or refuse with 404 or 409."""
        try:
            with self._sessions.begin() as session:
                row = _get(session, ReleaseRow, release_id, "Release")
                row.fill(fields)
        except IntegrityError as error:
            raise conflict(_TAKEN) from error
        return row.value()

    def delete_release(self, release_id: int) -> None:
        """Remove a release, or refuse with 404, or with 400 when clusters use it."""
        try:
            self._delete(ReleaseRow, release_id, "Release")
        except IntegrityError as error:
            raise bad_request(_IN_USE) from error

    def notifications(self) -> tuple[Notification, ...]:
        """Return all notifications, oldest first."""
        return self._all(NotificationRow)

    def notification(self, notification_id: int) -> Notification:
        """Return one notification, or refuse with 404."""
        return self._one(NotificationRow, notification_id, "Notification")

    def add_notification(self, topic: str, message: str) -> Notification:
        """Write a new, unread notification."""
        row = NotificationRow(
            topic=topic, message=message, status="unread", created_s=int(self._clock())
        )
        return self._add(row)

    def mark_notification(self, notification_id: int, status: str) -> Notification:
        """Set ``read`` or ``unread``, or refuse with 404."""
        with self._sessions.begin() as session:
            row = _get(session, NotificationRow, notification_id, "Notification")
            row.status = status
        return row.value()

    def delete_notification(self, notification_id: int) -> None:
        """Remove a notification, or refuse with 404."""
        self._delete(NotificationRow, notification_id, "Notification")

    def clusters(self) -> tuple[Cluster, ...]:
        """Return all clusters, oldest first."""
        return self._all(ClusterRow)

    def cluster(self, cluster_id: int) -> Cluster:
        """Return one cluster, or refuse with 404."""
        return self._one(ClusterRow, cluster_id, "Cluster")

    def add_cluster(self, name: str, release_id: int, *, fuel_version: str) -> Cluster:
        """Write a new cluster; refuse with 400 without its release, with 409 if the name is taken.

        A release that goes away between the check and the write is refused by the database.
        """
        try:
            self.release(release_id)
        except RefusedError as error:
            raise bad_request(f"There is no release {release_id} for the cluster") from error
        row = ClusterRow(
            name=name,
            release_id=release_id,
            fuel_version=fuel_version,
            mode="ha_compact",
            net_provider="nova_network",
        )
        return self._add(row, refusal=conflict("Cluster with the same name already exists"))

    def delete_cluster(self, cluster_id: int) -> None:
        """Remove a cluster, or refuse with 404."""
        self._delete(ClusterRow, cluster_id, "Cluster")

    def tasks(self, cluster_id: int | None = None) -> tuple[Task, ...]:
        """Return all tasks, or those of one cluster, oldest first."""
        only = [] if cluster_id is None else [TaskRow.cluster_id == min(cluster_id, _LARGEST_ID)]
        return self._all(TaskRow, *only)

    def task(self, task_id: int) -> Task:
        """Return one task, or refuse with 404."""
        return self._one(TaskRow, task_id, "Task")

    def add_task(self, name: str, status: str, *, cluster_id: int | None = None) -> Task:
        """Write a task; only what embeds the registry does so, no request."""
        row = TaskRow(name=name, status=status, progress=0, message="", cluster_id=cluster_id)
        return self._add(row)

    def nodes(self) -> tuple[Node, ...]:
        """Return all nodes, oldest first."""
        return self._all(NodeRow)

    def add_node(self, name: str, status: str, *, cluster_id: int | None = None) -> Node:
        """Write a node; only what embeds the registry does so, no request."""
        return self._add(NodeRow(name=name, status=status, cluster_id=cluster_id))

    def set_password(self, name: str, password: str) -> None:
        """Make a user, or give an existing one this password."""
        salt = passwords.new_salt()
        with self._sessions.begin() as session:
            row = session.scalars(select(UserRow).where(UserRow.name == name)).first()
            row = row or UserRow(name=name)
            row.salt = salt
            row.password_hash = passwords.hash_password(password, salt)
            session.add(row)

    def authenticate(self, name: str, password: str) -> int | None:
        """Return the id of the user with this name and password, if there is one."""
        with self._sessions() as session:
            row = session.scalars(select(UserRow).where(UserRow.name == name)).first()
        if row is None:
            passwords.hash_password(password, b"")  # as slow as for a user who exists
            return None
        if not passwords.matches(password, row.salt, row.password_hash):
            return None
        if passwords.is_weak(row.password_hash):
            self.set_password(name, password)
        return row.id

    def issue_token(self, user_id: int, *, prefix: str = "") -> tuple[str, int]:
        """Return a new token and when it expires, in seconds since the epoch; forget old ones.

        ``prefix`` begins the token. Only its digest is stored, so nobody can exchange it.
        """
        token, now = prefix + passwords.new_token(), int(self._clock())
        expires_s = now + TOKEN_LIFETIME_S
        digest = passwords.token_digest(token)
        with self._sessions.begin() as session:
            session.execute(delete(TokenRow).where(TokenRow.expires_s <= now))
            session.add(TokenRow(digest=digest, user_id=user_id, expires_s=expires_s))
        return token, expires_s

    def knows_token(self, token: str) -> bool:
        """Say whether this token was issued here and has not expired."""
        return self.token_holder(token) is not None

    def token_holder(self, token: str) -> TokenHolder | None:
        """Return who has this token; None if it was not issued here, expired, or was revoked."""
        wanted = (
            select(UserRow.id, UserRow.name, TokenRow.expires_s)
            .join(UserRow, UserRow.id == TokenRow.user_id)
            .where(TokenRow.digest == passwords.token_digest(token))
        )
        with self._sessions() as session:
            row = session.execute(wanted).first()
        if row is None or row.expires_s <= self._clock():
            return None
        return TokenHolder(row.id, row.name, row.expires_s)

    def revoke_token(self, token: str) -> None:
        """Forget a token; nothing happens if there is none."""
        with self._sessions.begin() as session:
            wanted = TokenRow.digest == passwords.token_digest(token)
            session.execute(delete(TokenRow).where(wanted))

    def user_name(self, user_id: int) -> str | None:
        """Return the name of a user."""
        with self._sessions() as session:
            row = session.get(UserRow, user_id) if 0 < user_id <= _LARGEST_ID else None
        return row.name if row else None

    def _all(self, table: type[_Row[Value]], *only: ColumnElement[bool]) -> tuple[Value, ...]:
        wanted = select(table).where(*only).order_by(table.id)
        with self._sessions() as session:
            return tuple(row.value() for row in session.scalars(wanted))

    def _one(self, table: type[_Row[Value]], row_id: int, kind: str) -> Value:
        with self._sessions() as session:
            return _get(session, table, row_id, kind).value()

    def _add(self, row: _Row[Value], *, refusal: RefusedError | None = None) -> Value:
        try:
            with self._sessions.begin() as session:
                session.add(row)
        except IntegrityError as error:
            if refusal is None:
                raise
            raise refusal from error
        return row.value()

    def _delete(self, table: type[_Row[Value]], row_id: int, kind: str) -> None:
        with self._sessions.begin() as session:
            session.delete(_get(session, table, row_id, kind))


Row = TypeVar("Row")


def _get(session: Session, table: type[Row], row_id: int, kind: str) -> Row:
    row = session.get(table, row_id) if 0 < row_id <= _LARGEST_ID else None
    if row is None:
        raise not_found(kind)
    return row


def _newness(release: StoredRelease) -> Key:
    return newest_key(release.fields.version, release.fields.operating_system, release.id)


def _prepare_sqlite(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        return
    if engine.url.database:
        # made here, not by SQLite, so that nobody else ever reads the hashes in it
        Path(engine.url.database).touch(mode=0o600)

    def set_pragmas(connection: Any, _record: object) -> None:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").close()

    event.listen(engine, "connect", set_pragmas)
