"""The error of a deployment."""

from __future__ import annotations


class DeployError(Exception):
    """A deployment is impossible, or was undone; ``remedy`` is one imperative sentence."""

    def __init__(self, what: str, remedy: str, *, exit_code: int = 7) -> None:
        super().__init__(what)
        self.remedy = remedy
        self.exit_code = exit_code
