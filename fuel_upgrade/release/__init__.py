"""OpenStack releases: their description, their wire form, and which base each needs."""
