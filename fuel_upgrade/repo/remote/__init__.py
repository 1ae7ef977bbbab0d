"""Repos of web servers: their indexes, and the packages that are needed."""
