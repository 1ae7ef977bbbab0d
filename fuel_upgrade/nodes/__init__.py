"""What a node's package manager reads: apt lists and preferences, yum repo files."""
