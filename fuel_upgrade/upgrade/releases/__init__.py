"""Registered releases: show, delete, retire, squash, and their node sources."""
