"""A diff repo and its bases as one self-sufficient repo."""
