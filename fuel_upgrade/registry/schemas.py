"""JSON schemas of what the registry takes and gives.

Fields come from the model: what is added there is described here at once.
"""

from typing import Any

from fuel_upgrade.registry.identity import AuthRequest
from fuel_upgrade.registry.model import (
    DETAILS,
    RELEASE_STATES,
    TOPICS,
    Cluster,
    JsonObject,
    Node,
    Notification,
    ReleaseFields,
    StoredRelease,
    Task,
)
from fuel_upgrade.registry.rules import NAME_MAX_CHARS, SYSTEM_MAX_CHARS, VERSION_MAX_CHARS

_KINDS = {dict: "object", list: "array"}
_WHOLE: JsonObject = {"type": "integer"}
_ID: JsonObject = {"type": "integer", "minimum": 1}
_TEXT: JsonObject = {"type": "string"}
_INSTANT: JsonObject = {"type": "string", "format": "date-time"}
_NO_OBJECT: JsonObject = {"type": "object", "additionalProperties": False}


def _text(most: int | None = None) -> JsonObject:
    return {"type": "string", "minLength": 1, "pattern": r"\S"} | (
        {"maxLength": most} if most else {}
    )


def _nullable(kind: str) -> JsonObject:
    return {"type": [kind, "null"]}


def _list_of(schema: JsonObject) -> JsonObject:
    return {"type": "array", "items": schema}


def _only(**fields: Any) -> JsonObject:
    """Return the schema of an object that has all these fields and no others."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _like(sample: JsonObject, /, **known: JsonObject) -> JsonObject:
    """Return the schema of an object with the fields of ``sample``, those described known."""
    return _only(**{name: known.get(name, {}) for name in sample})


def _with(required: tuple[str, ...] = (), /, **fields: JsonObject) -> JsonObject:
    """Return the schema of an object that is posted; fields that are unknown are ignored."""
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": fields, **needed}


_DETAILS: dict[str, JsonObject] = {name: {"type": _KINDS[kind]} for name, kind in DETAILS.items()}
_SETTABLE: dict[str, JsonObject] = {
    "name": _text(NAME_MAX_CHARS),
    "version": _text(VERSION_MAX_CHARS),
    "operating_system": _text(SYSTEM_MAX_CHARS),
    "state": {"enum": list(RELEASE_STATES)},
    "description": _nullable("string"),
    "orchestrator_data": _with(
        ("repo_metadata", "puppet_manifests_source", "puppet_modules_source"),
        repo_metadata={
            "type": "object",
            "additionalProperties": _text(),
            "description": "Name to 'URL' or 'URL suite component...', in order; "
            "{MASTER_IP} and {OPENSTACK_VERSION} are replaced",
        },
        puppet_manifests_source=_text(),
        puppet_modules_source=_text(),
    ),
    **_DETAILS,
}
NEW_RELEASE: JsonObject = _with(
    ("name", "version", "operating_system", "orchestrator_data"), **_SETTABLE
)
CHANGED_RELEASE = _with(**_SETTABLE)
_SHOWN: dict[str, JsonObject] = {
    **_SETTABLE,
    "id": _ID,
    "is_deployable": {"type": "boolean"},
    "orchestrator_data": {"type": "object"},
}
RELEASE = _like(StoredRelease(1, ReleaseFields()).to_wire(), **_SHOWN)
RELEASES = _list_of(RELEASE)
NETWORKS: JsonObject = {"type": "object"}

NEW_NOTIFICATION = _with(("topic", "message"), topic={"enum": list(TOPICS)}, message=_TEXT)
CHANGED_NOTIFICATION = _with(status={"enum": ["read", "unread"]})
NOTIFICATION = _like(
    Notification(1, "", "", "", 0).to_wire(),
    id=_ID,
    topic={"enum": list(TOPICS)},
    message=_TEXT,
    status={"enum": ["read", "unread"]},
    date={"type": "string", "pattern": r"^\d{2}-\d{2}-\d{4}$"},
    time={"type": "string", "pattern": r"^\d{2}:\d{2}:\d{2}$"},
    cluster=_nullable("integer"),
    node_id=_nullable("integer"),
    task_id=_nullable("integer"),
)
NOTIFICATIONS = _list_of(NOTIFICATION)

NEW_CLUSTER = _with(("name", "release"), name=_text(NAME_MAX_CHARS), release=_ID)
CLUSTER = _like(
    Cluster(1, "", 1, "").to_wire(),
    id=_ID,
    name=_text(NAME_MAX_CHARS),
    release_id=_ID,
    pending_release_id=_nullable("integer"),
    fuel_version=_TEXT,
    mode=_TEXT,
    net_provider=_TEXT,
    grouping=_TEXT,
    is_customized={"type": "boolean"},
    status=_TEXT,
    changes=_list_of({"type": "object"}),
)
CLUSTERS = _list_of(CLUSTER)
DELETED_CLUSTER = _NO_OBJECT

TASK = _like(
    Task(1, "", "").to_wire(),
    id=_ID,
    name=_TEXT,
    status=_TEXT,
    cluster=_nullable("integer"),
    progress=_WHOLE,
    message=_TEXT,
)
TASKS = _list_of(TASK)
NODE = _like(
    Node(1, "", "").to_wire(), id=_ID, name=_TEXT, status=_TEXT, cluster=_nullable("integer")
)
NODES = _list_of(NODE)

FUEL_VERSION = _only(
    release=_TEXT,
    api={"const": "1"},
    auth_required={"type": "boolean"},
    feature_groups=_list_of(_TEXT),
    release_versions={"type": "object"},
    nailgun_sha=_TEXT,
    astute_sha=_TEXT,
    fuellib_sha=_TEXT,
    ostf_sha=_TEXT,
)
DEPLOYMENT_INFO = _only(
    release=_only(id=_ID, name=_TEXT, version=_TEXT, operating_system=_TEXT, state=_TEXT),
    node={"oneOf": [NODE, {"type": "null"}]},
    repo_metadata={"type": "object", "additionalProperties": _TEXT},
    puppet_manifests_source=_TEXT,
    puppet_modules_source=_TEXT,
    sources={"type": ["object", "null"], "additionalProperties": _TEXT},
)

PASSWORD_V2 = _with(
    ("auth",),
    auth=_with(
        ("passwordCredentials",),
        tenantName=_TEXT,
        passwordCredentials=_with(("username", "password"), username=_TEXT, password=_TEXT),
    ),
)
ACCESS = _only(
    access=_only(
        token=_only(
            id=_TEXT,
            issued_at=_TEXT,
            expires=_INSTANT,
            tenant=_only(
                id=_TEXT, name=_TEXT, description=_nullable("string"), enabled={"type": "boolean"}
            ),
        ),
        user=_only(
            id=_TEXT,
            name=_TEXT,
            username=_TEXT,
            roles=_list_of(_only(name=_TEXT)),
            roles_links=_list_of({}),
        ),
        metadata=_only(is_admin=_WHOLE, roles=_list_of(_TEXT)),
        serviceCatalog=_list_of({}),
    )
)

AUTH_V3: JsonObject = AuthRequest.model_json_schema(ref_template="#/components/schemas/{model}")
#: The forms within :data:`AUTH_V3`.
COMPONENTS: JsonObject = AUTH_V3.pop("$defs")  # type: ignore[assignment]
_NAMED = _only(id=_TEXT, name=_TEXT)
_TOKEN_V3: dict[str, JsonObject] = {
    "methods": _list_of(_TEXT),
    "user": _only(id=_TEXT, name=_TEXT, domain=_NAMED, password_expires_at=_nullable("string")),
    "audit_ids": _list_of(_TEXT),
    "issued_at": _INSTANT,
    "expires_at": _INSTANT,
}
TOKEN_V3 = _only(
    token={
        "type": "object",
        "properties": {
            **_TOKEN_V3,
            "project": _only(id=_TEXT, name=_TEXT, domain=_NAMED),
            "is_domain": {"type": "boolean"},
            "roles": _list_of(_NAMED),
            "catalog": _list_of({}),
        },
        "required": list(_TOKEN_V3),
        "additionalProperties": False,
    }
)
ERROR_V3 = _only(error=_only(code=_WHOLE, title=_text(), message=_text()))
TOKEN_HEADERS: JsonObject = {
    "X-Subject-Token": {"required": True, "schema": _text(), "description": "The token"},
    "Vary": {"required": True, "schema": {"const": "X-Auth-Token"}},
}
RETRY_HEADERS: JsonObject = {
    "Retry-After": {"required": True, "schema": _ID, "description": "Seconds"}
}
_VERSION = _only(
    id=_TEXT,
    status=_TEXT,
    updated=_INSTANT,
    links=_list_of(_only(rel=_TEXT, href=_TEXT)),
    **{"media-types": _list_of(_only(base=_TEXT, type=_TEXT))},
)
VERSION = _only(version=_VERSION)
VERSIONS = _only(versions=_only(values=_list_of(_VERSION)))
OPENAPI: JsonObject = {"type": "object", "required": ["openapi", "info", "paths"]}
