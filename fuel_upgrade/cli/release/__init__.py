"""The commands about registered releases: list, show, diff, delete, gc, squash."""
