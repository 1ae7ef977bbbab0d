"""What a check gives: a verdict, with a remedy unless all is well."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Verdict(Enum):
    """How a check ended; a failure is what an install, or the daemon, would fail for."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` prints."""
        return {
            "name": self.name,
            "verdict": self.verdict.value,
            "detail": self.detail,
            "remedy": self.remedy,
        }


def ok(name: str, detail: str) -> Check:
    """Return that all is well."""
    return Check(name, Verdict.OK, detail)


def warning(name: str, detail: str, remedy: str) -> Check:
    """Return what may be meant, and is probably wrong."""
    return Check(name, Verdict.WARNING, detail, remedy)


def failure(name: str, detail: str, remedy: str) -> Check:
    """Return what is wrong."""
    return Check(name, Verdict.FAILURE, detail, remedy)


def worst(checks: Iterable[Check]) -> Verdict:
    """Return the worst verdict of all; OK of none."""
    verdicts = {check.verdict for check in checks}
    return next((v for v in (Verdict.FAILURE, Verdict.WARNING) if v in verdicts), Verdict.OK)


def checks_json(checks: Iterable[Check]) -> dict[str, Any]:
    """Return the form that ``--json`` prints of all, without the number of the form."""
    found = tuple(checks)
    counts = Counter(check.verdict for check in found)
    return {
        "verdict": worst(found).value,
        "counts": {verdict.value: counts[verdict] for verdict in Verdict},
        "checks": [check.to_json() for check in found],
    }
