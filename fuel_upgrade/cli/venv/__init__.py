"""``fuel-upgrade venv``: Python venvs on a repo server, and on this host."""
