"""Users can be removed: no id of a user is given twice, and an index finds old tokens.

Every login removes the tokens that have expired. Without the index it read all of them.

Revision: 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Add the index; make the users of SQLite anew, which cannot change a primary key."""
    op.create_index("ix_tokens_expires_s", "tokens", ["expires_s"])
    if op.get_bind().dialect.name != "sqlite":
        return  # a sequence of PostgreSQL never goes back
    op.create_table(
        "new_users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("password_hash", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO new_users (id, name, salt, password_hash)"
        " SELECT id, name, salt, password_hash FROM users"
    )
    op.drop_table("users")
    op.rename_table("new_users", "users")
