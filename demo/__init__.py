"""The demo: builds small real repos, installs an upgrade, and shows the result on a node."""
