"""Yum repos: their metadata read and written through createrepo_c."""
