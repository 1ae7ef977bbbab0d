"""The transaction on the master: checks, plan, journal, steps, engine."""
