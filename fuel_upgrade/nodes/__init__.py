"""Package sources of nodes: apt lists and preferences, yum repo files."""
