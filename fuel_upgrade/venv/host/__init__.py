"""The deployer of venvs on hosts: the standard library of Python 3.9 only.

It is copied to hosts as one file, a zipapp of this folder: see ``venv/deployer_file.py``. So it
imports nothing from outside this folder.

A venv is at ``DIRECTORY/.store/SERVICE-TAG-DIGEST``, where the digest is that of its inputs, and
the name that units use, ``DIRECTORY/SERVICE-TAG``, is a link to it: one rename switches it.
"""
