"""One tree of frozen errors, one family for each party that must act."""

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, Never, Self, TypeVar

from fuel_upgrade.outside_text import printable

FORMAT = 1
"""Version of the JSON that the commands print and the API sends."""
_MAX_FAILURES = 500
_Error = TypeVar("_Error", bound="UpgradeError")


class UpgradeError(Exception):
    """The root of all errors: a message, its remedy and a code for scripts.

    ``what`` is the message, with the expected and the actual value. ``remedy`` is one imperative
    sentence that names a file, a command or a person. ``state`` is the state of the master after
    the error. ``failures`` lists the single faults if there are several. ``code`` is a kebab-case
    word that does not change with the message; docs/api.rst lists all codes. Its default is the
    code of the family. ``side`` names the input at fault where a command has several.
    All texts are bounded lines of printable characters, whatever input they quote.

    An error never changes after its construction: ``amended`` returns a changed copy. Only Python
    itself sets attributes, such as ``__traceback__``.
    """

    exit_code: int = 1
    default_code: ClassVar[str] = "unexpected"
    default_state: ClassVar[str] = ""
    what: str
    remedy: str
    state: str
    code: str
    failures: tuple[str, ...]
    side: str | None

    def __init__(
        self,
        what: str,
        *,
        remedy: str,
        state: str | None = None,
        code: str | None = None,
        failures: Sequence[str] = (),
    ) -> None:
        what = printable(what)
        super().__init__(what)
        vars(self).update(
            what=what,
            remedy=printable(remedy),
            state=printable(self.default_state if state is None else state),
            code=code or self.default_code,
            failures=_bounded(dict.fromkeys(failures)),
            side=None,
        )

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("__"):
            self._refuse_change(name)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> Never:
        self._refuse_change(name)

    def _refuse_change(self, name: str) -> Never:
        raise AttributeError(f"{type(self).__name__}.{name} is frozen: use amended()")

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the parts of a copy in another process: the constructors of subclasses differ."""
        return _restored, (type(self), self.args, vars(self))

    def amended(
        self, *, state: str | None = None, remedy: str | None = None, side: str | None = None
    ) -> Self:
        """Return a copy with another state, remedy or side, to be raised in place of this error."""
        changes = {"state": state, "remedy": remedy, "side": side}
        given = {name: printable(text) for name, text in changes.items() if text is not None}
        return _restored(type(self), self.args, vars(self) | given)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the daemon's API and of ``--json``."""
        return {
            "format": FORMAT,
            "error": self.code,
            "what": self.what,
            "state": self.state,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
            "failures": list(self.failures),
        }


def _restored(kind: type[_Error], args: tuple[Any, ...], values: Mapping[str, Any]) -> _Error:
    error = kind.__new__(kind, *args)
    vars(error).update(values)
    return error


def _bounded(failures: Collection[str]) -> tuple[str, ...]:
    texts = tuple(map(printable, islice(failures, _MAX_FAILURES)))
    more = len(failures) - len(texts)
    return (*texts, f"and {more} more") if more else texts


class ConfigError(UpgradeError):
    """A setting, an option or a description file is invalid: fix it."""

    exit_code = 2
    default_code = "config"


class NotFoundError(ConfigError):
    """An object that the request names does not exist. The API answers 404."""

    default_code = "not-found"


class BundleError(UpgradeError):
    """A tarball or a repo is damaged or malformed: get a valid one."""

    exit_code = 3
    default_code = "bad-bundle"


class PreflightError(UpgradeError):
    """The host is not ready for this install: fix the host. ``failures`` has all failed checks."""

    exit_code = 4
    default_code = "not-ready"
    default_state = "nothing was changed"


class StepError(UpgradeError):
    """A step failed and the install was rolled back; ``__cause__`` is the reason."""

    exit_code = 5
    default_code = "step-failed"


class RollbackError(UpgradeError):
    """The rollback failed: an operator must act."""

    exit_code = 6
    default_code = "inconsistent"


class OutsideError(UpgradeError):
    """An external program or server failed."""

    exit_code = 7
    default_code = "outside"


class CommandError(OutsideError):
    """A program ended with an error or did not start (``returncode`` is None)."""

    default_code = "command-failed"
    argv: tuple[str, ...]
    returncode: int | None
    stderr_tail: str

    def __init__(self, argv: tuple[str, ...], returncode: int | None, stderr_tail: str) -> None:
        ending = "could not be run" if returncode is None else f"ended with {returncode}"
        super().__init__(
            f"{argv[0]} {ending}: {stderr_tail.strip() or 'it printed no error'}",
            remedy=f"run it by hand to see more: {' '.join(argv)}",
        )
        vars(self).update(argv=argv, returncode=returncode, stderr_tail=stderr_tail)


class ControlPlaneError(OutsideError):
    """Nailgun or Keystone sent an error, or no response (``status`` is None)."""

    default_code = "control-plane"
    method: str
    path: str
    status: int | None

    def __init__(
        self, method: str, path: str, status: int | None, reason: str, *, remedy: str | None = None
    ) -> None:
        answer = "gave no answer" if status is None else f"answered {status}"
        super().__init__(
            f"{method} {path} {answer}: {reason}", remedy=remedy or _control_plane_remedy(status)
        )
        vars(self).update(method=method, path=path, status=status)


def _control_plane_remedy(status: int | None) -> str:
    if status in (401, 403):
        return "give config.yaml the user and password of a Nailgun administrator"
    if status is not None and 400 <= status < 500:  # noqa: PLR2004 - RFC 9110: the client's fault
        return "correct what Nailgun does not accept; see its log for more"
    return "check that Nailgun and Keystone run, and that config.yaml has their addresses"


class _NewerError(UpgradeError):
    """An error of an unknown family, from a newer daemon, with the exit code of that daemon."""

    def __init__(self, what: str, *, exit_code: int, **fields: Any) -> None:
        super().__init__(what, **fields)
        vars(self).update(exit_code=exit_code)


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
    """Return the error that the daemon's API sent, with its code and exit code.

    Unknown codes and exit codes, from a daemon of another version, are kept. Daemons that send no
    ``format`` send the name of a class in place of the code.
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
