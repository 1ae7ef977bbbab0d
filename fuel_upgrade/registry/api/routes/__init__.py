"""The resources of the registry, one module for those that belong together."""
