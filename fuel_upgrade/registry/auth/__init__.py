"""Users, passwords, tokens, and the limit on wrong passwords."""
