"""The registry with what a real Nailgun of 6.1 or 7.0 answers about deployments."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from fuel_upgrade.registry.api.responses import Json, Message
from fuel_upgrade.registry.release_store import Store
from tests.tools import shared_dir

TASKS = "deployment_tasks"
_TASKS_PATH = re.compile(r"/api/v1/releases/(\d+)/deployment_tasks/?")
_INFO_PATH = re.compile(r"/api/v1/clusters/(\d+)/orchestrator/deployment/defaults/?")


def recording(fuel: str) -> list[dict[str, Any]]:
    """Return the exchanges with a real Nailgun."""
    path = shared_dir() / f"contract/nailgun-{fuel}.json"
    exchanges: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return exchanges


def noted(exchanges: list[dict[str, Any]], note: str) -> dict[str, Any]:
    """Return the first answer with a note."""
    answer: dict[str, Any] = next(e["response"] for e in exchanges if e["note"] == note)
    return answer


@dataclass(slots=True)
class RecordedNailgun:
    """Answers as recorded to two requests, and lets the registry answer all others.

    The real one answers 500 to the deployment info of a release without tasks. ``ignores_posted``:
    it drops the tasks of a posted release.
    """

    store: Store
    app: ASGIApp
    fuel: str
    ignores_posted: bool = False
    exchanges: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.exchanges = recording(self.fuel)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._recorded(scope) if scope["type"] == "http" else None
        if answer is None:
            await self.app(scope, self._dropping(scope, receive), send)
        elif isinstance(answer["body"], str):
            await Message(answer["body"], answer["status"])(scope, receive, send)
        else:
            await Json(answer["body"], answer["status"])(scope, receive, send)

    def _recorded(self, scope: Scope) -> dict[str, Any] | None:
        if scope["method"] != "GET":
            return None
        if match := _INFO_PATH.fullmatch(scope["path"]):
            has_tasks = self._tasks(self.store.cluster(int(match[1])).release_id)
            kind = "with deployment tasks" if has_tasks else "release without deployment tasks"
            return noted(self.exchanges, f"deployment defaults, {kind}")
        match = _TASKS_PATH.fullmatch(scope["path"])
        if match is None or self._tasks(int(match[1])):
            return None
        return noted(self.exchanges, "tasks of a new release")

    def _tasks(self, release_id: int) -> Any:
        return self.store.release(release_id).fields.detail(TASKS)

    def _dropping(self, scope: Scope, receive: Receive) -> Receive:
        if not self.ignores_posted or scope.get("method") != "POST":
            return receive

        async def dropping() -> Any:
            message = await receive()
            return {**message, "body": message["body"].replace(TASKS.encode(), b"unknown_field00")}

        return dropping
