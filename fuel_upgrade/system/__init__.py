"""The machine: processes, durable file operations, streaming archives."""
