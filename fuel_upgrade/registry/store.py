"""The registry's contents: every method is one transaction on SQLite or PostgreSQL."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import ColumnElement, bindparam, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fuel_upgrade.registry import passwords
from fuel_upgrade.registry.database import Database
from fuel_upgrade.registry.limits import LARGEST_ID, text_fault
from fuel_upgrade.registry.model import (
    Cluster,
    Node,
    Notification,
    ReleaseFields,
    StoredRelease,
    Task,
)
from fuel_upgrade.registry.ordering import Key, newest_key
from fuel_upgrade.registry.refusal import RefusedError, bad_request, conflict
from fuel_upgrade.registry.rows import AnyRow, check_text, check_texts, delete_one, get, insert
from fuel_upgrade.registry.schema import migrate
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
_TAKEN = "Release with the same name and version already exists"
_USER_NAME = Table.metadata.tables["users"].c["name"]
_RELEASE = Table.metadata.tables["releases"].c
_TOKENS = Table.metadata.tables["tokens"].c
#: Built once: building it takes longer than asking it.
_TOKEN_EXPIRES_S = select(_TOKENS.expires_s).where(_TOKENS.digest == bindparam("digest"))
_IN_USE = "Can't delete release with clusters assigned"

Value = TypeVar("Value")
#: Refuses with 409 a name and version that another release than the one being changed has.
RefuseTaken = Callable[[object, object], None]


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Who has a token, and until when, in seconds since the epoch."""

    user_id: int
    name: str
    expires_s: int


class Store:
    """Releases and what surrounds them; every method is one transaction.

    Methods may be called from any thread. What the contract refuses raises ``RefusedError``, and
    a database that does not answer ``UnavailableError``.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self._clock = clock

    @classmethod
    def open(
        cls, url: str, *, backups: Path | None = None, clock: Callable[[], float] = time.time
    ) -> Self:
        """Open the database at ``url``, and bring its tables to what this code knows.

        Args:
            url: ``sqlite:////ABSOLUTE/PATH`` or ``postgresql+psycopg://USER@HOST/NAME``.
            backups: the folder for the backup of PostgreSQL before a migration.
            clock: gives seconds since the epoch.

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
        return cls(database, clock=clock)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    def releases(self) -> tuple[StoredRelease, ...]:
        """Return all releases, newest first."""
        return tuple(sorted(self._all(ReleaseRow), key=_newness, reverse=True))

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
        """Give a release the fields that ``change`` makes of those that it has.

        Nobody else changes it meanwhile. ``change`` may run several times, and refuses by raising.
        """

        def work(session: Session) -> StoredRelease:
            row = get(session, ReleaseRow, release_id, "Release", locked=True)

            def refuse_taken(name: object, version: object) -> None:
                _refuse_taken(session, name, version, other_than=release_id)

            row.fill(change(row.value().fields, refuse_taken))
            check_texts(row)
            session.flush()
            return row.value()

        return self._refusing(work, conflict(_TAKEN))

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

    def mark_notification(self, notification_id: int, status: str) -> Notification:
        """Set ``read`` or ``unread``, or refuse with 404."""

        def work(session: Session) -> Notification:
            row = get(session, NotificationRow, notification_id, "Notification", locked=True)
            row.status = status
            return row.value()

        return self.database.write(work)

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

        The release cannot go away between the check and the write.
        """

        def work(session: Session) -> Cluster:
            try:
                get(session, ReleaseRow, release_id, "Release", locked=True)
            except RefusedError as error:
                raise bad_request(f"There is no release {release_id} for the cluster") from error
            row = ClusterRow(
                name=name,
                release_id=release_id,
                fuel_version=fuel_version,
                mode="ha_compact",
                net_provider="nova_network",
            )
            return insert(session, row)

        return self._refusing(work, conflict("Cluster with the same name already exists"))

    def delete_cluster(self, cluster_id: int) -> None:
        """Remove a cluster, or refuse with 404."""
        self._delete(ClusterRow, cluster_id, "Cluster")

    def tasks(self, cluster_id: int | None = None) -> tuple[Task, ...]:
        """Return all tasks, or those of one cluster, oldest first."""
        if cluster_id is None:
            return self._all(TaskRow)
        wanted = cluster_id if 0 < cluster_id <= LARGEST_ID else 0
        return self._all(TaskRow, TaskRow.cluster_id == wanted)

    def task(self, task_id: int) -> Task:
        """Return one task, or refuse with 404."""
        return self._one(TaskRow, task_id, "Task")

    def add_task(self, name: str, status: str, *, cluster_id: int | None = None) -> Task:
        """Write a task; only what embeds the registry does so, no request."""
        return self._add(
            lambda: TaskRow(name=name, status=status, progress=0, message="", cluster_id=cluster_id)
        )

    def nodes(self) -> tuple[Node, ...]:
        """Return all nodes, oldest first."""
        return self._all(NodeRow)

    def add_node(self, name: str, status: str, *, cluster_id: int | None = None) -> Node:
        """Write a node; only what embeds the registry does so, no request."""
        return self._add(lambda: NodeRow(name=name, status=status, cluster_id=cluster_id))

    def users(self) -> tuple[tuple[int, str], ...]:
        """Return id and name of every user, by name."""
        wanted = select(UserRow.id, UserRow.name).order_by(UserRow.name)
        return self.database.read(
            lambda session: tuple((found.id, found.name) for found in session.execute(wanted))
        )

    def add_user(self, name: str, password: str) -> None:
        """Make a user, or refuse with 409."""
        salt = passwords.new_salt()
        hashed = passwords.hash_password(password, salt)
        self._refusing(
            lambda session: _insert_user(session, name, salt, hashed),
            conflict("User with the same name already exists"),
        )

    def set_password(self, name: str, password: str) -> None:
        """Make a user, or give an existing one this password, which ends what tokens it has."""
        salt = passwords.new_salt()
        hashed = passwords.hash_password(password, salt)

        def work(session: Session) -> None:
            wanted = select(UserRow).where(UserRow.name == name).with_for_update()
            row = session.scalars(wanted).first()
            if row is None:
                _insert_user(session, name, salt, hashed)
                return
            row.salt, row.password_hash = salt, hashed
            session.execute(delete(TokenRow).where(TokenRow.user_id == row.id))

        try:
            self.database.write(work)
        except IntegrityError:
            self.database.write(work)  # somebody made the user at the same time: now it is there

    def delete_user(self, name: str) -> None:
        """Remove a user and its tokens, or refuse with 404."""
        check_text(_USER_NAME, name)
        wanted = delete(UserRow).where(UserRow.name == name)
        self.database.write(lambda session: delete_one(session, wanted, "User"))

    def authenticate(self, name: str, password: str) -> int | None:
        """Return the id of the user with this name and password, if there is one."""
        wanted = select(UserRow).where(UserRow.name == name)
        known = not text_fault(name, _USER_NAME)
        row = self.database.read(lambda s: s.scalars(wanted).first()) if known else None
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

        ``prefix`` begins the token. Only its digest is stored, so nobody can exchange it. A user
        who was removed since it was authenticated is refused with 401.
        """
        token, now = prefix + passwords.new_token(), int(self._clock())
        expires_s = now + TOKEN_LIFETIME_S
        digest = passwords.token_digest(token)

        def work(session: Session) -> None:
            session.execute(delete(TokenRow).where(TokenRow.expires_s <= now))
            session.add(TokenRow(digest=digest, user_id=user_id, expires_s=expires_s))

        self._refusing(work, RefusedError(HTTPStatus.UNAUTHORIZED, ""))
        return token, expires_s

    def knows_token(self, token: str) -> bool:
        """Say whether this token was issued here and has not expired."""
        digest = passwords.token_digest(token)
        expires_s: int | None = self.database.scalar(_TOKEN_EXPIRES_S, {"digest": digest})
        return expires_s is not None and expires_s > self._clock()

    def token_holder(self, token: str) -> TokenHolder | None:
        """Return who has this token; None if it was not issued here, expired, or was revoked."""
        wanted = (
            select(UserRow.id, UserRow.name, TokenRow.expires_s)
            .join(UserRow, UserRow.id == TokenRow.user_id)
            .where(TokenRow.digest == passwords.token_digest(token))
        )
        row = self.database.read(lambda session: session.execute(wanted).first())
        if row is None or row.expires_s <= self._clock():
            return None
        return TokenHolder(row.id, row.name, row.expires_s)

    def revoke_token(self, token: str) -> None:
        """Forget a token; nothing happens if there is none."""
        wanted = delete(TokenRow).where(TokenRow.digest == passwords.token_digest(token))
        self.database.write(lambda session: session.execute(wanted))

    def user_name(self, user_id: int) -> str | None:
        """Return the name of a user."""
        wanted = select(UserRow.name).where(UserRow.id == user_id)
        known = 0 < user_id <= LARGEST_ID
        return self.database.read(lambda s: s.scalars(wanted).first()) if known else None

    def _all(self, table: type[AnyRow[Value]], *only: ColumnElement[bool]) -> tuple[Value, ...]:
        wanted = select(table).where(*only).order_by(table.id)
        return self.database.read(
            lambda session: tuple(row.value() for row in session.scalars(wanted))
        )

    def _one(self, table: type[AnyRow[Value]], row_id: int, kind: str) -> Value:
        return self.database.read(lambda session: get(session, table, row_id, kind).value())

    def _add(
        self, make: Callable[[], AnyRow[Value]], *, refusal: RefusedError | None = None
    ) -> Value:
        return self._refusing(lambda session: insert(session, make()), refusal)

    def _delete(
        self,
        table: type[AnyRow[Value]],
        row_id: int,
        kind: str,
        *,
        refusal: RefusedError | None = None,
    ) -> None:
        wanted = delete(table).where(table.id == (row_id if 0 < row_id <= LARGEST_ID else 0))
        self._refusing(lambda session: delete_one(session, wanted, kind), refusal)

    def _refusing(self, work: Callable[[Session], Value], refusal: RefusedError | None) -> Value:
        """Run ``work`` as one transaction; what a constraint refuses becomes ``refusal``."""
        try:
            return self.database.write(work)
        except IntegrityError as error:
            if refusal is None:
                raise
            raise refusal from error


def _newness(release: StoredRelease) -> Key:
    return newest_key(release.fields.version, release.fields.operating_system, release.id)


def _insert_user(session: Session, name: str, salt: bytes, password_hash: bytes) -> None:
    check_text(_USER_NAME, name)
    session.add(UserRow(name=name, salt=salt, password_hash=password_hash))
    session.flush()


def _refuse_taken(session: Session, name: object, version: object, *, other_than: int) -> None:
    for column, value in (("name", name), ("version", version)):
        check_text(_RELEASE[column], str(value))
    wanted = select(ReleaseRow.id).where(
        ReleaseRow.name == str(name),
        ReleaseRow.version == str(version),
        ReleaseRow.id != other_than,
    )
    if session.scalars(wanted).first() is not None:
        raise conflict(_TAKEN)
