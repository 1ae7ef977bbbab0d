"""Python venvs: built and published on a repo server, deployed on hosts where they differ."""
