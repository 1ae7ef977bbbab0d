"""One tree of errors, split by who must act; each has a code, a remedy and an exit code."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

FORMAT = 1
"""The number of the JSON forms that commands print and the API answers with."""


class UpgradeError(Exception):
    """The root: what happened, and the one thing to do about it.

    ``what`` gives the value found and the value expected; ``remedy`` is one imperative sentence
    naming a file, a command or a person; ``state`` describes the master as it is now; ``failures``
    are the single faults, where there are several. ``code`` is for scripts: a kebab-case word that
    stays when the text changes, listed in docs/api.rst; the family's own if none is given.
    """

    exit_code: int = 1
    default_code: ClassVar[str] = "unexpected"

    def __init__(
        self,
        what: str,
        *,
        remedy: str,
        state: str = "",
        code: str | None = None,
        failures: Sequence[str] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.state = state
        self.code = code or self.default_code
        self.failures = tuple(dict.fromkeys(failures))

    def amended(self, *, state: str | None = None, remedy: str | None = None) -> Self:
        """Return the same error with another state or remedy, to be raised in its place."""
        kind = type(self)
        other = kind.__new__(kind, *self.args)  # subclasses have constructors of their own
        changed = {"state": state, "remedy": remedy}
        vars(other).update(vars(self), **{k: v for k, v in changed.items() if v is not None})
        return other

    def to_json(self) -> dict[str, Any]:
        """Return the form that the daemon's API and ``--json`` use."""
        return {
            "format": FORMAT,
            "error": self.code,
            "what": self.what,
            "state": self.state,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
            "failures": list(self.failures),
        }


class ConfigError(UpgradeError):
    """A setting, an option or a description file is wrong: fix the file."""

    exit_code = 2
    default_code = "config"


class NotFoundError(ConfigError):
    """What was named does not exist: name another. The API answers 404 for it."""

    default_code = "not-found"


class BundleError(UpgradeError):
    """A tarball or a repo is damaged or malformed: get a good one."""

    exit_code = 3
    default_code = "bad-bundle"


class PreflightError(UpgradeError):
    """The host is not ready for this install: fix the host. Carries every failed check."""

    exit_code = 4
    default_code = "not-ready"

    def __init__(
        self,
        what: str,
        *,
        remedy: str,
        state: str = "nothing was changed",
        code: str | None = None,
        failures: Sequence[str] = (),
    ) -> None:
        super().__init__(what, remedy=remedy, state=state, code=code, failures=failures)


class StepError(UpgradeError):
    """A step failed and everything was put back; ``__cause__`` is why."""

    exit_code = 5
    default_code = "step-failed"


class RollbackError(UpgradeError):
    """Undoing failed: a human is needed."""

    exit_code = 6
    default_code = "inconsistent"


class OutsideError(UpgradeError):
    """A tool or a server that we rely on failed."""

    exit_code = 7
    default_code = "outside"


class CommandError(OutsideError):
    """A program ended with an error or could not be started."""

    default_code = "command-failed"

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

    default_code = "control-plane"

    def __init__(
        self, method: str, path: str, status: int | None, reason: str, *, remedy: str | None = None
    ) -> None:
        answer = "gave no answer" if status is None else f"answered {status}"
        super().__init__(
            f"{method} {path} {answer}: {reason}", remedy=remedy or _control_plane_remedy(status)
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


class _NewerError(UpgradeError):
    """An error of a family that only a newer daemon has; the exit code is that daemon's."""

    def __init__(self, what: str, *, exit_code: int, **fields: Any) -> None:
        super().__init__(what, **fields)
        self.exit_code = exit_code


_FAMILIES: Mapping[int, type[UpgradeError]] = {
    family.exit_code: family
    for family in (
        UpgradeError,
        ConfigError,
        BundleError,
        PreflightError,
        StepError,
        RollbackError,
        OutsideError,
    )
}
_EXIT_CODES = range(1, 256)


def from_json(data: Mapping[str, Any]) -> UpgradeError:
    """Rebuild an error that crossed the daemon's API, with the same code and exit code.

    A daemon of another version may send a code or an exit code that is not known here: both are
    kept. Daemons without ``format`` sent the name of a class in place of the code.
    """
    exit_code, code = data.get("exit_code"), data.get("error")
    is_named_by_class = "format" not in data
    failures = data.get("failures")
    fields: dict[str, Any] = {
        "remedy": str(data.get("remedy", "")),
        "state": str(data.get("state", "")),
        "code": code if isinstance(code, str) and code and not is_named_by_class else None,
        "failures": tuple(map(str, failures)) if isinstance(failures, list) else (),
    }
    what = str(data.get("what", "unknown error"))
    if code in (NotFoundError.default_code, NotFoundError.__name__):
        return NotFoundError(what, **fields)
    if not isinstance(exit_code, int) or exit_code not in _EXIT_CODES:
        return UpgradeError(what, **fields)
    family = _FAMILIES.get(exit_code)
    if family is None:
        return _NewerError(what, exit_code=exit_code, **fields)
    return family(what, **fields)
