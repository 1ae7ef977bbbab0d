"""The client of Nailgun 6.0 to 9.x."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, TypeVar

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.errors import ControlPlaneError
from fuel_upgrade.nailgun.control_plane import (
    Cluster,
    Node,
    Notification,
    ReleaseInUseError,
    Task,
)
from fuel_upgrade.nailgun.http_response import Answer
from fuel_upgrade.nailgun.keystone import Keystone, Login, TokenKeeper
from fuel_upgrade.nailgun.sent_body import say_body
from fuel_upgrade.nailgun.trailing_slash import Slashes
from fuel_upgrade.nailgun.transport import ANSWER_MAX_BYTES, Body, Tracing, Transport
from fuel_upgrade.release.chain import compare_fuel_versions
from fuel_upgrade.release.dialect import DIALECTS, Dialect
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease
from fuel_upgrade.release.nailgun_repos import read_release
from fuel_upgrade.release.puppet_tasks import FIELD, DeploymentTask
from fuel_upgrade.release.registered_repos import unfrozen

_IN_USE_MARK = "clusters assigned"
_FIRST_OF_LISTS = "6.1"
_NO_RELEASE, _NO_PATH = "Release not found", "not found"
_MAP = "orchestrator_data"  # a field of no release of 6.1 and later, nor of some of 5.1
_NO_TASKS = (b"None", b"null")  # Nailgun 6.1 answers None, which is not JSON

Value = TypeVar("Value")


class NailgunClient:
    """A ``ControlPlane`` over HTTP: API below ``{settings.url}/api/v1``, of Nailgun 6.0 to 9.x.

    Every method raises ``ControlPlaneError`` with method, path and status if Nailgun or Keystone
    refuses, does not answer, or gives a response outside the contract. An expired token is renewed
    once. Use a client in one thread at a time.

    ``master_ip`` replaces the macro that a Nailgun of 6.1 or later keeps; without it the macro
    stays. Clients that share a ``keeper`` log in once. ``read_settings`` returns the current
    settings: a refused login is repeated once with those. ``unix_socket`` is that of the server, in
    place of the host and port of its URL.

    Raises:
        ValueError: the settings have no ``url``.
    """

    def __init__(  # noqa: PLR0913 - shared by clients, or replaced in tests
        self,
        settings: NailgunSettings,
        *,
        master_ip: str = "",
        keeper: TokenKeeper | None = None,
        answer_max_bytes: int = ANSWER_MAX_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        tracing: Tracing | None = None,
        read_settings: Callable[[], NailgunSettings] | None = None,
        unix_socket: Path | None = None,
    ) -> None:
        if settings.url is None:
            raise ValueError("a client needs the URL of a Nailgun")
        root = settings.url.rstrip("/")
        self._root = f"{root}/api/v1"
        self._master_ip = master_ip
        self._dialect = DIALECTS.get(settings.dialect)
        self._transport = Transport(
            settings,
            answer_max_bytes=answer_max_bytes,
            tracing=tracing,
            monotonic=monotonic,
            sleep=sleep,
            unix_socket=unix_socket,
        )
        self._slashes = Slashes()
        self._keeper = keeper or TokenKeeper()
        self.keystone = Keystone(
            settings.keystone_url or f"{root}/keystone",
            version=settings.keystone_version,
            login=Login.of(settings),
            transport=self._transport,
            keeper=self._keeper,
            read_login=(lambda: Login.of(read_settings())) if read_settings else None,
            remedy=_say_how_to_log_in(settings),
        )

    def __repr__(self) -> str:
        return f"NailgunClient({self._root!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the open connections."""
        self._transport.close()

    def version(self) -> str:
        """Return the version of Fuel that runs (contract: ``version``)."""
        return _read(self._get("/version"), lambda data: _text(data["release"]))

    def dialect(self) -> Dialect:
        """Return the dialect of the settings, or else that of the releases or the paths."""
        if self._dialect is None:
            self.releases()
        if self._dialect is None:
            self._dialect = _dialect_of(has_maps=not self._has_tasks())
        return self._dialect

    def _has_tasks(self) -> bool:
        """Return whether this is a Nailgun of 6.1 or later, which has deployment tasks.

        Its answer about a release that does not exist decides, because an upgrade replaces the
        version file. If a proxy answers instead, the version decides.
        """
        answer = self._ask("GET", f"/releases/0/{FIELD}")
        if answer.status == HTTPStatus.NOT_FOUND:
            if _NO_RELEASE in answer.text:  # contract: ``deployment tasks of no release``
                return True
            if answer.text == _NO_PATH:  # contract: ``deployment tasks: no such path here``
                return False
        return compare_fuel_versions(self.version(), _FIRST_OF_LISTS) >= 0

    def releases(self) -> tuple[RegisteredRelease, ...]:
        """Return every release, newest first (contract: ``list``)."""
        answer = self._get("/releases/")
        if self._dialect is None:
            shown = _read_list(answer, dict[str, Any])
            if any(_MAP in release for release in shown):
                self._dialect = _dialect_of(has_maps=True)
        return _read_list(answer, self._release)

    def release(self, release_id: int) -> RegisteredRelease:
        """Return one release (contract: ``one``, ``missing one``)."""
        return _read(self._get(f"/releases/{release_id}/"), self._release)

    def create_release(self, body: Mapping[str, Any]) -> RegisteredRelease:
        """Register a release; the order of its repos is kept (contract: ``create``)."""
        answer = self._call("POST", "/releases/", body=body, expected=HTTPStatus.CREATED)
        return _read(answer, self._release)

    def release_body(self, release_id: int) -> dict[str, Any]:
        """Return the body to post it again (contract: ``one``, ``networks``)."""
        shown = _read(self._get(f"/releases/{release_id}/"), dict[str, Any])
        networks = _read(self._get(f"/releases/{release_id}/networks"), dict[str, Any])
        if self.dialect().has_tasks:
            given, later = {"id"}, {FIELD: list(self._tasks_of(release_id, str(shown["version"])))}
        else:  # the 6.0 computes is_deployable; later ones take it
            given, later = {"id", "is_deployable"}, {}
        body = {name: value for name, value in shown.items() if name not in given}
        return {**body, "networks_metadata": networks, **later}

    def deployment_tasks(self, release_id: int) -> tuple[DeploymentTask, ...]:
        """Return the deployment tasks (contract: ``tasks of a new release``, ``GET them``)."""
        answer = self._get(f"/releases/{release_id}/{FIELD}")
        if answer.body.strip() in _NO_TASKS:
            return ()
        return _read_list(answer, dict[str, Any])

    def put_deployment_tasks(self, release_id: int, tasks: Sequence[DeploymentTask]) -> None:
        """Replace the deployment tasks (contract: ``PUT real tasks``)."""
        path = f"/releases/{release_id}/{FIELD}"
        self._call("PUT", path, body=list(tasks), expected=HTTPStatus.OK)

    def _tasks_of(self, release_id: int, version: str) -> tuple[DeploymentTask, ...]:
        try:
            return self.deployment_tasks(release_id)
        except ControlPlaneError as error:
            # Nailgun 6.1 crashes on a release of Fuel 5.0, which has no tasks: 2014.1
            if error.status != HTTPStatus.INTERNAL_SERVER_ERROR or "-" in version:
                raise
            return ()

    def set_repos(
        self, release_id: int, data: OrchestratorData, *, key_set: int = 0
    ) -> RegisteredRelease:
        """Give a release other repos (contract: ``update orchestrator_data``)."""
        path = f"/releases/{release_id}/"
        shown = _read(self._get(path), dict[str, Any])
        fields = self.dialect().repo_fields(shown, unfrozen(data, self._master_ip), key_set)
        answer = self._call("PUT", path, body=fields, expected=HTTPStatus.OK)
        return _read(answer, self._release)

    def delete_release(self, release_id: int) -> bool:
        """Remove a release; False if it was already gone (contract: ``delete a release``).

        Raises:
            ReleaseInUseError: environments use it.
        """
        answer = self._ask("DELETE", f"/releases/{release_id}/")
        if answer.status == HTTPStatus.BAD_REQUEST and _IN_USE_MARK in answer.text:
            raise ReleaseInUseError("DELETE", answer.path, answer.status, answer.text)
        return _was_there(answer)

    def notify(self, message: str, topic: str = "release") -> int:
        """Notify the operator; return the id (contract: ``create notification``)."""
        body = {"topic": topic, "message": message}
        answer = self._call("POST", "/notifications/", body=body, expected=HTTPStatus.CREATED)
        return _read(answer, Notification.from_wire).id

    def notifications(self) -> tuple[Notification, ...]:
        """Return every notification (contract: ``list notifications``)."""
        return _read_list(self._get("/notifications/"), Notification.from_wire)

    def notification(self, notification_id: int) -> Notification:
        """Return one notification (contract: ``one notification``)."""
        return _read(self._get(f"/notifications/{notification_id}/"), Notification.from_wire)

    def mark_read(self, notification_id: int) -> Notification:
        """Mark a notification as read (contract: ``mark read``)."""
        path, body = f"/notifications/{notification_id}/", {"status": "read"}
        answer = self._call("PUT", path, body=body, expected=HTTPStatus.OK)
        return _read(answer, Notification.from_wire)

    def delete_notification(self, notification_id: int) -> bool:
        """Remove a notification; False if it was already gone."""
        return _was_there(self._ask("DELETE", f"/notifications/{notification_id}/"))

    def tasks(self) -> tuple[Task, ...]:
        """Return every task, ended ones too (contract: ``tasks``)."""
        return _read_list(self._get("/tasks/"), Task.from_wire)

    def running_tasks(self) -> tuple[Task, ...]:
        """Return the tasks that are running or pending (contract: ``tasks``)."""
        return tuple(task for task in self.tasks() if task.is_under_way)

    def clusters(self) -> tuple[Cluster, ...]:
        """Return every environment (contract: ``clusters``)."""
        return _read_list(self._get("/clusters/"), Cluster.from_wire)

    def assume_unanswered(self) -> None:
        """Act as if a change that was sent until now got no response."""
        self._transport.late_changes.add()

    def await_late_changes(self) -> Iterator[int]:
        """Wait until no change without a response can be carried out any more."""
        return self._transport.late_changes.polls()

    def _release(self, data: Mapping[str, Any]) -> RegisteredRelease:
        return read_release(data, master_ip=self._master_ip)

    def create_cluster(self, name: str, release_id: int) -> Cluster:
        """Make an environment (contract: ``cluster on a release``)."""
        body = {"name": name, "release": release_id}
        answer = self._call("POST", "/clusters/", body=body, expected=HTTPStatus.CREATED)
        return _read(answer, Cluster.from_wire)

    def delete_cluster(self, cluster_id: int) -> bool:
        """Remove an environment; False if it was already gone (contract: ``delete cluster``).

        Nailgun accepts it, and removes it in a task where there are nodes to be reset.
        """
        return _was_there(self._ask("DELETE", f"/clusters/{cluster_id}/"))

    def nodes(self) -> tuple[Node, ...]:
        """Return every node (contract: ``nodes``)."""
        return _read_list(self._get("/nodes/"), Node.from_wire)

    def _get(self, path: str) -> Answer:
        return self._call("GET", path, expected=HTTPStatus.OK)

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        expected: HTTPStatus,
    ) -> Answer:
        answer = self._ask(method, path, body=body)
        if answer.status == expected:
            return answer
        reason = answer.reason
        if body is not None and answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            reason += f" (sent: {say_body(body)})"  # such an answer names no cause
        raise answer.error(reason)

    def _ask(self, method: str, path: str, *, body: Body | None = None) -> Answer:
        def send(path: str) -> Answer:
            return self._send(method, f"{self._root}{path}", body)

        return self._slashes.ask(path, send)

    def log_in(self) -> bool:
        """Log in anew; return False where Nailgun's authentication is off (contract: ``version``).

        Such a master has no Keystone.
        """
        try:
            self.keystone.renew()
        except ControlPlaneError as error:
            if error.status != HTTPStatus.NOT_FOUND or not self._is_open():
                raise
            self._keeper.is_open = True
        return not self._keeper.is_open

    def _token(self) -> str | None:
        if self._keeper.token is None and not self._keeper.is_open:
            self.log_in()
        return self._keeper.token

    def _is_open(self) -> bool:
        try:
            answer = self._transport.send("GET", f"{self._root}/version")
            shown = answer.status == HTTPStatus.OK and answer.json()
        except ControlPlaneError:
            return False  # the refusal of Keystone is the error to report
        return isinstance(shown, dict) and shown.get("auth_required") is False

    def _send(self, method: str, url: str, body: Body | None) -> Answer:
        is_change = method != "GET"
        answer = self._transport.send(
            method, url, body=body, token=self._token(), is_change=is_change
        )
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        # 401 is answered before anything is carried out, so even a POST may be sent again
        self._keeper.is_open = False
        token = self.keystone.renew()
        return self._transport.send(method, url, body=body, token=token, is_change=is_change)


def _say_how_to_log_in(settings: NailgunSettings) -> str:
    if settings.password_file is not None:
        return (
            f"write the right password to {settings.password_file} with fuel-upgrade nailgun"
            " login, and try again: the daemon reads it anew"
        )
    return (
        "correct nailgun.username and nailgun.password in config.yaml, then run"
        " systemctl reload fuel-upgrade, and try again"
    )


def _dialect_of(*, has_maps: bool) -> Dialect:
    return DIALECTS["6.0" if has_maps else _FIRST_OF_LISTS]


def _was_there(answer: Answer) -> bool:
    if answer.status in (HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT):
        return True
    if answer.status == HTTPStatus.NOT_FOUND:
        return False
    raise answer.error(answer.reason)


def _read(answer: Answer, parse: Callable[[Any], Value]) -> Value:
    data = answer.json()
    try:
        return parse(data)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        reason = f"unexpected JSON ({type(error).__name__}: {error}): {answer.text}"
        raise answer.error(reason) from None  # no cause: it may quote a token


def _read_list(answer: Answer, parse: Callable[[Any], Value]) -> tuple[Value, ...]:
    def parse_all(data: Any) -> tuple[Value, ...]:
        if not isinstance(data, list):
            raise TypeError("not a list")
        return tuple(parse(entry) for entry in data)

    return _read(answer, parse_all)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
