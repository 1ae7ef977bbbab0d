"""The review of a plan: its cost, its preconditions, and their drift."""
