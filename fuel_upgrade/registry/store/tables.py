"""The registry's tables; each row turns into the value that the rest of the package uses."""

import json
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fuel_upgrade.registry.resources import (
    Cluster,
    Node,
    Notification,
    ReleaseFields,
    StoredRelease,
    Task,
)
from fuel_upgrade.registry.rules import SYSTEM_MAX_CHARS, VERSION_MAX_CHARS

#: Columns that hold JSON as text.
JSON_COLUMNS = frozenset({"orchestrator_data", "details", "attributes"})
# An id is never given twice: a journal may still name a release that is gone.
_NEVER_REUSED = {"sqlite_autoincrement": True}


class Table(DeclarativeBase):
    """The base of all tables."""

    def _columns(self) -> dict[str, Any]:
        """Return the values of all columns, with JSON as values."""
        columns = {column.name: getattr(self, column.name) for column in self.__table__.columns}
        return {
            name: json.loads(value) if name in JSON_COLUMNS else value
            for name, value in columns.items()
        }


class ReleaseRow(Table):
    """A release. JSON is kept as text: text keeps the order of the repos on every database."""

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("name", "version"), _NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(String(VERSION_MAX_CHARS))
    operating_system: Mapped[str] = mapped_column(String(SYSTEM_MAX_CHARS))
    state: Mapped[str] = mapped_column(String(20))
    description: Mapped[str | None] = mapped_column(Text)
    orchestrator_data: Mapped[str] = mapped_column(Text)
    details: Mapped[str] = mapped_column(Text)

    def fill(self, fields: ReleaseFields) -> None:
        """Take over every field."""
        self.name = fields.name
        self.version = fields.version
        self.operating_system = fields.operating_system
        self.state = fields.state
        self.description = fields.description
        self.orchestrator_data = json.dumps(fields.orchestrator_data or {})
        self.details = json.dumps(fields.details or {})

    def value(self) -> StoredRelease:
        """Return the row as a value."""
        fields = self._columns()
        release_id = fields.pop("id")
        return StoredRelease(release_id, ReleaseFields(**fields))


class ClusterRow(Table):
    """A cluster; the database itself keeps a release that clusters use."""

    __tablename__ = "clusters"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("releases.id", ondelete="RESTRICT"))
    fuel_version: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(String(20))
    net_provider: Mapped[str] = mapped_column(String(20))
    attributes: Mapped[str] = mapped_column(Text, server_default="{}", default="{}")

    def value(self) -> Cluster:
        """Return the row as a value."""
        return Cluster.of(self._columns())


class NodeRow(Table):
    """A node."""

    __tablename__ = "nodes"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))
    cluster_id: Mapped[int | None] = mapped_column(ForeignKey("clusters.id", ondelete="SET NULL"))

    def value(self) -> Node:
        """Return the row as a value."""
        return Node.of(self._columns())


class TaskRow(Table):
    """A task."""

    __tablename__ = "tasks"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))
    progress: Mapped[int]
    message: Mapped[str] = mapped_column(Text)
    cluster_id: Mapped[int | None] = mapped_column(ForeignKey("clusters.id", ondelete="SET NULL"))

    def value(self) -> Task:
        """Return the row as a value."""
        return Task.of(self._columns())


class NotificationRow(Table):
    """A notification; ``created_s`` is in seconds since the epoch."""

    __tablename__ = "notifications"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(10))
    created_s: Mapped[int]
    cluster_id: Mapped[int | None] = mapped_column(ForeignKey("clusters.id", ondelete="SET NULL"))
    node_id: Mapped[int | None] = mapped_column(ForeignKey("nodes.id", ondelete="SET NULL"))

    def value(self) -> Notification:
        """Return the row as a value."""
        return Notification.of(self._columns())


class UserRow(Table):
    """The accounts."""

    __tablename__ = "users"
    __table_args__ = _NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    password_hash: Mapped[bytes] = mapped_column(LargeBinary)


class TokenRow(Table):
    """A token that was issued, by its SHA-256; ``expires_s`` is in seconds since the epoch."""

    __tablename__ = "tokens"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    expires_s: Mapped[int] = mapped_column(index=True)
