"""fuel-upgraded: the service that owns the transaction, and its HTTP API."""
