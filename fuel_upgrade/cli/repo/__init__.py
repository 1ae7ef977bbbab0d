"""The commands of ``fuel-upgrade repo``, and reports of changes."""
