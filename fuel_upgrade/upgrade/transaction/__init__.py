"""Carrying out steps forward and back, by the journal alone."""
