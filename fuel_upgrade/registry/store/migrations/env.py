"""What Alembic runs: the revisions, in the transaction that it was handed."""

from alembic import context

from fuel_upgrade.registry.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Table.metadata
)
with context.begin_transaction():
    context.run_migrations()
