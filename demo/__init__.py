"""The demo: makes small real repos, takes them through an upgrade, and looks from a node."""
