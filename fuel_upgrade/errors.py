"""One tree of errors, split by who must act; each has a remedy and an exit code."""

from typing import Any, ClassVar


class UpgradeError(Exception):
    """The root: what happened, and the one thing to do about it.

    ``what`` gives what was found and what was expected; ``remedy`` is one imperative sentence
    naming a file, a command or a person; ``state`` says what the master looks like now.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, remedy: str, state: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.state = state

    def to_json(self) -> dict[str, Any]:
        """Return the form that the daemon's API and ``--json`` use."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "state": self.state,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
        }


class ConfigError(UpgradeError):
    """A setting, an option or a description file is wrong: fix the file."""

    exit_code = 2


class NotFoundError(ConfigError):
    """What was named does not exist: name another. The API answers 404 for it."""


class BundleError(UpgradeError):
    """A tarball or a repo is damaged or malformed: get a good one."""

    exit_code = 3


class PreflightError(UpgradeError):
    """The host is not ready for this install: fix the host. Carries every failed check."""

    exit_code = 4

    def __init__(self, what: str, *, remedy: str, failures: tuple[str, ...] = ()) -> None:
        super().__init__(what, remedy=remedy, state="nothing was changed")
        self.failures = failures

    def to_json(self) -> dict[str, Any]:
        """Add the failed checks, one text each."""
        return {**super().to_json(), "failures": list(self.failures)}


class StepError(UpgradeError):
    """A step failed and everything was put back; ``__cause__`` is why."""

    exit_code = 5


class RollbackError(UpgradeError):
    """Undoing failed: a human is needed."""

    exit_code = 6


class OutsideError(UpgradeError):
    """A tool or a server that we rely on failed."""

    exit_code = 7


class CommandError(OutsideError):
    """A program ended with an error or could not be started."""

    def __init__(self, argv: tuple[str, ...], returncode: int | None, stderr_tail: str) -> None:
        ending = "could not be run" if returncode is None else f"ended with {returncode}"
        super().__init__(
            f"{argv[0]} {ending}: {stderr_tail.strip() or 'it printed no error'}",
            remedy=f"run it by hand to see more: {' '.join(argv)}",
        )
        self.argv = argv
        self.returncode = returncode
        self.stderr_tail = stderr_tail


class ControlPlaneError(OutsideError):
    """Nailgun or Keystone answered with an error, or did not answer (``status`` is None)."""

    def __init__(self, method: str, path: str, status: int | None, reason: str) -> None:
        answer = "gave no answer" if status is None else f"answered {status}"
        super().__init__(
            f"{method} {path} {answer}: {reason}", remedy=_control_plane_remedy(status)
        )
        self.method = method
        self.path = path
        self.status = status


def _control_plane_remedy(status: int | None) -> str:
    if status in (401, 403):
        return "give config.yaml the user and password of a Nailgun administrator"
    if status is not None and 400 <= status < 500:  # noqa: PLR2004 - RFC 9110: the client's fault
        return "correct what Nailgun does not accept; see its log for more"
    return "check that Nailgun and Keystone run, and that config.yaml has their addresses"


_BY_NAME: dict[str, type[UpgradeError]] = {
    cls.__name__: cls
    for cls in (
        UpgradeError,
        ConfigError,
        NotFoundError,
        BundleError,
        StepError,
        RollbackError,
        OutsideError,
    )
}


def from_json(data: dict[str, Any]) -> UpgradeError:
    """Rebuild an error that crossed the daemon's API, with the same exit code."""
    what, remedy = str(data.get("what", "unknown error")), str(data.get("remedy", ""))
    name = str(data.get("error", ""))
    if name == PreflightError.__name__:
        found = PreflightError(what, remedy=remedy, failures=tuple(data.get("failures", ())))
        found.state = str(data.get("state", found.state))
        return found
    family = _BY_NAME.get(name)
    if family is None:
        by_code = data.get("exit_code") == OutsideError.exit_code
        family = OutsideError if by_code else UpgradeError
    return family(what, remedy=remedy, state=str(data.get("state", "")))
