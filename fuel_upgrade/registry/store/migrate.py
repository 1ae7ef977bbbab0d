"""The state of the registry's tables, and the way to the one that this code knows."""

import logging
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.registry.store.backup import back_up
from fuel_upgrade.registry.store.database import Database

#: The newest revision in ``migrations/versions``.
HEAD = "0003"
#: What the code that kept no revision made.
_FIRST = "0001"
MIGRATIONS = Path(__file__).with_name("migrations")

_log = logging.getLogger(__name__)
#: Alembic keeps its context in a module: two databases of one process must take turns.
_ALEMBIC = threading.Lock()


@dataclass(frozen=True, slots=True)
class Migration:
    """The revisions and the backup of a migration; both are None where there were no tables."""

    before: str | None
    after: str
    backup: Path | None

    def to_json(self) -> dict[str, object]:
        """Return the form of ``--json``."""
        return {**asdict(self), "backup": str(self.backup) if self.backup else None}


def migrate(
    database: Database, *, backups: Path | None = None, folder: Path = MIGRATIONS, head: str = HEAD
) -> Migration | None:
    """Bring the tables to ``head`` after a backup; return None where they are there already.

    Of several processes one does it, and the others wait. SQLite is backed up beside its file,
    PostgreSQL as an export into the folder ``backups``.

    Raises:
        OutsideError: newer code wrote the database, or the backup failed; nothing was changed.
        UnavailableError: the database does not answer.
    """
    with database.snapshot() as connection:
        if _revision(connection) == head:
            return None
    with database.migrating() as connection:
        before = _revision(connection)
        if before == head:
            return None  # another process was faster
        known = _known(folder)
        if before not in {None, *known}:
            raise OutsideError(
                f"the registry's database {database.name} has revision {before}, "
                f"and this fuel-upgrade knows {', '.join(known)}",
                remedy="update fuel-upgrade to the version that wrote the database, or newer",
            )
        backup = None
        if before is not None:
            name = f"before-{head}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            backup = back_up(database, connection, name=name, folder=backups, revision=before)
            _log.warning("the registry's database was backed up to %s", backup)
        try:
            _upgrade(connection, folder, stamp=before)
            _check_references(connection, database)
        except BaseException:
            # Nothing was committed: the database needs no backup, and a service that
            # is started again and again would fill the disk with them.
            if backup is not None:
                backup.unlink(missing_ok=True)
            raise
    _log.info("the registry's database went from revision %s to %s", before, head)
    return Migration(before, head, backup)


def _revision(connection: Connection) -> str | None:
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if revision is not None:
            return str(revision)
    return _FIRST if "releases" in tables else None


def _known(folder: Path) -> tuple[str, ...]:
    # here, not above: a start that has nothing to migrate does without Alembic
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return tuple(sorted(each.revision for each in ScriptDirectory(str(folder)).walk_revisions()))


def _upgrade(connection: Connection, folder: Path, *, stamp: str | None) -> None:
    from alembic import command  # noqa: PLC0415 - as in _known
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with _ALEMBIC:
        if stamp is not None:
            command.stamp(config, stamp)
        command.upgrade(config, "head")


def _check_references(connection: Connection, database: Database) -> None:
    """See that no row refers to one that is gone: SQLite did not look while tables were changed."""
    if not database.is_sqlite:
        return
    lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if lost:
        raise OutsideError(
            f"the registry's database {database.name}: {len(lost)} rows refer to others that are "
            f"not there, the first in {lost[0][0]}",
            remedy="put a backup in its place that has them",
        )
