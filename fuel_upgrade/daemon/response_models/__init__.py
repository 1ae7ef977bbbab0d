"""The JSON answers of the daemon's API, one model a shape.

A model validates the answer, is its OpenAPI schema, and is the source of the reference in
docs/api.rst. Answers may get more keys in later versions.
"""
