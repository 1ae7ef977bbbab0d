"""The command's way to the daemon: requests, errors, and following a job."""
