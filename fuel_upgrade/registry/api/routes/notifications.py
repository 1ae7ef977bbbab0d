"""``/api/v1/notifications``: messages to the operator."""

from fastapi import APIRouter
from starlette.responses import Response

from fuel_upgrade.registry.api import json_schemas
from fuel_upgrade.registry.api.responses import Json, JsonBody, created, no_content
from fuel_upgrade.registry.api.route_description import operation
from fuel_upgrade.registry.api.routes.ids import Id
from fuel_upgrade.registry.refusal import bad_request
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.resources import TOPICS
from fuel_upgrade.registry.rules import require_object


class Notifications:
    """The handlers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def router(self) -> APIRouter:
        """Return the routes, below ``/api/v1/notifications``."""
        router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"])
        add, one, shown = router.add_api_route, "/{notification_id:int}", json_schemas.NOTIFICATION
        creates = operation(takes=json_schemas.NEW_NOTIFICATION, gives={201: shown})
        changed = json_schemas.CHANGED_NOTIFICATION
        updates = operation(takes=changed, gives={200: shown}, refuses=(404,))
        add(
            "", self.list_all, methods=["GET"], **operation(gives={200: json_schemas.NOTIFICATIONS})
        )
        add("", self.create, methods=["POST"], **creates)
        add(one, self.show, methods=["GET"], **operation(gives={200: shown}, refuses=(404,)))
        add(one, self.update, methods=["PUT"], **updates)
        add(one, self.delete, methods=["DELETE"], **operation(gives={204: None}, refuses=(404,)))
        return router

    def list_all(self) -> Response:
        """200: every notification, oldest first."""
        return Json([notification.to_wire() for notification in self._store.notifications()])

    def create(self, body: JsonBody) -> Response:
        """201; 400 for a topic that is unknown or missing, then for a missing message."""
        posted = require_object(body)
        topic, message = posted.get("topic"), posted.get("message")
        if not isinstance(topic, str) or topic not in TOPICS:
            raise bad_request("Notification topic is not found or invalid")
        if not isinstance(message, str):
            raise bad_request("Notification message is not found or invalid")
        return created(self._store.add_notification(topic, message).to_wire())

    def show(self, notification_id: Id) -> Response:
        """200; 404."""
        return Json(self._store.notification(notification_id).to_wire())

    def update(self, notification_id: Id, body: JsonBody) -> Response:
        """200: with the new status; 400 for an unknown one; 404."""
        current = self._store.notification(notification_id)
        status = require_object(body).get("status", current.status)
        if status not in ("read", "unread"):
            raise bad_request("Notification status is neither 'read' nor 'unread'")
        return Json(self._store.mark_notification(notification_id, str(status)).to_wire())

    def delete(self, notification_id: Id) -> Response:
        """204; 404."""
        self._store.delete_notification(notification_id)
        return no_content()
