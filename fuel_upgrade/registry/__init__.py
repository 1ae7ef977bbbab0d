"""The embedded release registry, which speaks the REST contract of Nailgun 6.0."""
