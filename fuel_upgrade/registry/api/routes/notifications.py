"""``/api/v1/notifications``: messages to the operator."""

from fastapi import APIRouter
from starlette.responses import Response

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json, JsonBody, created, no_content
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.api.routes.ids import Id
from fuel_upgrade.registry.refusal import bad_request
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.resources import TOPICS, Notification
from fuel_upgrade.registry.rules import require_object


class Notifications:
    """The handlers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def router(self) -> APIRouter:
        """Return the routes, below ``/api/v1/notifications``."""
        router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"])
        add, one, shown = (
            router.add_api_route,
            "/{notification_id:int}",
            Notification.schema_of_answer(),
        )
        creates = operation(takes=json_schemas.NEW_NOTIFICATION, gives={201: shown})
        changed = json_schemas.CHANGED_NOTIFICATION
        updates = operation(takes=changed, gives={200: shown}, refuses=(404,))
        every = json_schemas.list_of(shown)
        marks = operation(
            takes=json_schemas.MARKED_NOTIFICATIONS, gives={200: every}, refuses=(404,)
        )
        add("", self.list_all, methods=["GET"], **operation(gives={200: every}))
        add("", self.create, methods=["POST"], **creates)
        add("", self.update_many, methods=["PUT"], **marks)
        add(one, self.show, methods=["GET"], **operation(gives={200: shown}, refuses=(404,)))
        add(one, self.update, methods=["PUT"], **updates)
        add(one, self.delete, methods=["DELETE"], **operation(gives={204: None}, refuses=(404,)))
        return router

    def list_all(self) -> Response:
        """200: every notification, oldest first."""
        return Json([notification.to_wire() for notification in self._store.notifications()])

    def create(self, body: JsonBody) -> Response:
        """201; 400 for a topic that is unknown or missing, then for a message that is no text."""
        posted = require_object(body)
        topic, message = posted.get("topic"), posted.get("message")
        if not isinstance(topic, str) or topic not in TOPICS:
            raise bad_request("Notification topic is not found or invalid")
        if not isinstance(message, str | None):
            raise bad_request("Notification message is not a text")
        return created(self._store.add_notification(topic, message or "").to_wire())

    def show(self, notification_id: Id) -> Response:
        """200; 404."""
        return Json(self._store.notification(notification_id).to_wire())

    def update(self, notification_id: Id, body: JsonBody) -> Response:
        """200: with the new status; 400 for an unknown one; 404."""
        self._store.notification(notification_id)
        (marked,) = self._store.mark_notifications({notification_id: _status(body)})
        return Json(marked.to_wire())

    def update_many(self, body: JsonBody) -> Response:
        """200: the notifications of the list with their new statuses; 400; 404."""
        if not isinstance(body, list):
            raise bad_request("Bad status")
        statuses = {_id(item): _status(item) for item in body}
        return Json([marked.to_wire() for marked in self._store.mark_notifications(statuses)])

    def delete(self, notification_id: Id) -> Response:
        """204; 404."""
        self._store.delete_notification(notification_id)
        return no_content()


def _status(body: object) -> str:
    status = require_object(body).get("status")
    if not isinstance(status, str) or status not in ("read", "unread"):
        raise bad_request("Bad status")
    return status


def _id(body: object) -> int:
    notification_id = require_object(body).get("id")
    if not isinstance(notification_id, int) or isinstance(notification_id, bool):
        raise bad_request("Bad id")
    return notification_id
