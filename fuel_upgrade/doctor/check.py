"""The result of a check: a verdict, with a remedy if it is not ok."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Verdict(Enum):
    """The verdict of a check; FAILURE means that an install or the daemon would fail."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check."""

    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of ``--json``."""
        return {**asdict(self), "verdict": self.verdict.value}


def ok(name: str, detail: str) -> Check:
    """Return a check that passed."""
    return Check(name, Verdict.OK, detail)


def warning(name: str, detail: str, remedy: str) -> Check:
    """Return a probable problem."""
    return Check(name, Verdict.WARNING, detail, remedy)


def failure(name: str, detail: str, remedy: str) -> Check:
    """Return a problem."""
    return Check(name, Verdict.FAILURE, detail, remedy)


def worst(checks: Iterable[Check]) -> Verdict:
    """Return the worst verdict; OK without checks."""
    verdicts = {check.verdict for check in checks}
    return next((v for v in (Verdict.FAILURE, Verdict.WARNING) if v in verdicts), Verdict.OK)


def checks_json(checks: Iterable[Check]) -> dict[str, Any]:
    """Return the JSON object of ``--json`` for all checks, without ``format``."""
    checks = tuple(checks)
    counts = Counter(check.verdict for check in checks)
    return {
        "verdict": worst(checks).value,
        "counts": {verdict.value: counts[verdict] for verdict in Verdict},
        "checks": [check.to_json() for check in checks],
    }
