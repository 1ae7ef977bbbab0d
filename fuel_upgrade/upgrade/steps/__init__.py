"""The reversible changes that an install is made of."""
