"""A plan as people see and keep it: its cost, its preconditions, and their drift."""
