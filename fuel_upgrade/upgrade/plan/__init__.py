"""The state of a master, the plan of an install there, and its checks."""
