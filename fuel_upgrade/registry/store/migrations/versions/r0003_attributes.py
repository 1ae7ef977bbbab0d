"""A cluster has attributes: the settings of its release, with macros replaced.

Those of existing clusters are empty, and made from the release when they are read.

Revision: 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Add the column."""
    column = sa.Column("attributes", sa.Text, nullable=False, server_default="{}")
    op.add_column("clusters", column)
