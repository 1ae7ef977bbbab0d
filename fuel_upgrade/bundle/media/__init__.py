"""Tarballs on media: images, volumes, and what restores lost ones."""
