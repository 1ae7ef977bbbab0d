"""The proof that a base and a diff repo together are the release."""
