"""The registry's tables of earlier versions, which had no revision."""

from sqlalchemy import text

from fuel_upgrade.registry.auth import passwords
from fuel_upgrade.registry.store.database import Database

#: As ``sqlite_master`` had it.
SQLITE = """
CREATE TABLE releases (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    version VARCHAR(30) NOT NULL,
    operating_system VARCHAR(50) NOT NULL,
    state VARCHAR(20) NOT NULL,
    description TEXT,
    orchestrator_data TEXT NOT NULL,
    details TEXT NOT NULL,
    UNIQUE (name, version)
);
CREATE TABLE users (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    salt BLOB NOT NULL,
    password_hash BLOB NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);
CREATE TABLE clusters (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    release_id INTEGER NOT NULL,
    fuel_version TEXT NOT NULL,
    mode VARCHAR(20) NOT NULL,
    net_provider VARCHAR(20) NOT NULL,
    UNIQUE (name),
    FOREIGN KEY(release_id) REFERENCES releases (id) ON DELETE RESTRICT
);
CREATE TABLE tokens (
    digest VARCHAR(64) NOT NULL,
    user_id INTEGER NOT NULL,
    expires_s INTEGER NOT NULL,
    PRIMARY KEY (digest),
    FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE TABLE nodes (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    status VARCHAR(20) NOT NULL,
    cluster_id INTEGER,
    FOREIGN KEY(cluster_id) REFERENCES clusters (id) ON DELETE SET NULL
);
CREATE TABLE tasks (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    status VARCHAR(20) NOT NULL,
    progress INTEGER NOT NULL,
    message TEXT NOT NULL,
    cluster_id INTEGER,
    FOREIGN KEY(cluster_id) REFERENCES clusters (id) ON DELETE SET NULL
);
CREATE TABLE notifications (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    topic VARCHAR(20) NOT NULL,
    message TEXT NOT NULL,
    status VARCHAR(10) NOT NULL,
    created_s INTEGER NOT NULL,
    cluster_id INTEGER,
    node_id INTEGER,
    FOREIGN KEY(cluster_id) REFERENCES clusters (id) ON DELETE SET NULL,
    FOREIGN KEY(node_id) REFERENCES nodes (id) ON DELETE SET NULL
)
"""
#: Rows of that code: a release, a cluster, a user with the password "old", and its token.
ROWS = """
INSERT INTO releases
    (name, version, operating_system, state, description, orchestrator_data, details)
VALUES
    ('Juno', '2014.2-6.0', 'Ubuntu', 'available', NULL,
     '{"repo_metadata": {"b": "1", "a": "2"}}', '{"roles": ["x"]}'),
    ('gone', '1', 'Ubuntu', 'available', NULL, '{}', '{}');
DELETE FROM releases WHERE id = 2;
INSERT INTO clusters (name, release_id, fuel_version, mode, net_provider)
VALUES ('c', 1, '6.0', 'ha_compact', 'nova_network');
INSERT INTO users (name, salt, password_hash) VALUES ('admin', :salt, :hash);
INSERT INTO tokens (digest, user_id, expires_s) VALUES (:digest, 1, 2000000000)
"""
TOKEN = "0" * 64


def make(database: Database, *, filled: bool = True) -> None:
    """Make the tables, and by default the rows."""
    statements = SQLITE if database.is_sqlite else _for_postgresql(SQLITE)
    salt = b"salt"
    values = {
        "salt": salt,
        "hash": passwords.hash_password("old", salt),
        "digest": passwords.token_digest(TOKEN),
    }
    with database.engine.begin() as connection:
        for statement in statements.split(";"):
            connection.exec_driver_sql(statement)
        for statement in ROWS.split(";") if filled else ():
            expected = {name: value for name, value in values.items() if f":{name}" in statement}
            if expected:
                connection.execute(text(statement), expected)
            else:
                connection.exec_driver_sql(statement)


def _for_postgresql(statements: str) -> str:
    key, serial = "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", "SERIAL PRIMARY KEY"
    users = "CREATE TABLE users (\n    id "
    changed = statements.replace(key, serial)
    return changed.replace(f"{users}INTEGER", f"{users}SERIAL").replace("BLOB", "BYTEA")
