"""The database of the registry: connections, tables, migrations, export and import."""
