"""The report of changes between two repos, and its four output formats."""
