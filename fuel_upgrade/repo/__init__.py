"""Package repositories: indexes, versions, diff, and writing a diff repo."""
