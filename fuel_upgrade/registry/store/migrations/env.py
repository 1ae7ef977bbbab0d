"""Alembic's entry point: run the revisions in the transaction of the caller."""

from alembic import context

from fuel_upgrade.registry.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Table.metadata
)
with context.begin_transaction():
    context.run_migrations()
