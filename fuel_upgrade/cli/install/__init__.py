"""The commands that plan, make, follow, list and repair changes of a master."""
