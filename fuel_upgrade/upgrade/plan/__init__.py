"""What a master looks like, the plan of an install there, and the checks of it."""
