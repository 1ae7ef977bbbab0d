"""The registry over HTTP: application, routes, bodies and their description."""
