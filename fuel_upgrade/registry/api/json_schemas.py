"""JSON schemas of the bodies and answers of the registry.

The keys come from the resources: a key that is added there is described here at once.
"""

from dataclasses import dataclass
from typing import Any, cast

from fuel_upgrade.registry.auth.identity import AuthRequest
from fuel_upgrade.registry.resources import (
    DETAILS,
    HIDDEN,
    LATER_DETAILS,
    TOPICS,
    Cluster,
    JsonObject,
    Node,
    Notification,
    ReleaseFields,
    StoredRelease,
    Task,
)
from fuel_upgrade.registry.rules import (
    NAME_MAX_CHARS,
    SYSTEM_MAX_CHARS,
    VERSION_MAX_CHARS,
    Line,
)

_KINDS = {dict: "object", list: "array", bool: "boolean"}
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


def list_of(schema: JsonObject) -> JsonObject:
    """Return the schema of a list of such values."""
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
    """Return the schema of an object with the keys of ``sample``, described by ``known``."""
    return _only(**{name: known.get(name, {}) for name in sample})


def _with(required: tuple[str, ...] = (), /, **fields: JsonObject) -> JsonObject:
    """Return the schema of a posted object; unknown keys are ignored."""
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": fields, **needed}


_DETAILS: dict[str, JsonObject] = {name: {"type": _KINDS[kind]} for name, kind in DETAILS.items()}
_LATER: dict[str, JsonObject] = {
    name: {"type": _KINDS[kind]} for name, kind in LATER_DETAILS.items()
}
_ORCHESTRATOR_DATA = _with(
    ("repo_metadata", "puppet_manifests_source", "puppet_modules_source"),
    repo_metadata={
        "type": "object",
        "additionalProperties": _text(),
        "description": "Name to 'URL' or 'URL suite component...', in order; "
        "{MASTER_IP} and {OPENSTACK_VERSION} are replaced",
    },
    puppet_manifests_source=_text(),
    puppet_modules_source=_text(),
)


@dataclass(frozen=True, slots=True)
class ReleaseSchemas:
    """The schemas of a new, a changed and a shown release in one line of Nailgun versions."""

    new: JsonObject
    changed: JsonObject
    shown: JsonObject


def of_release(line: Line) -> ReleaseSchemas:
    """Return the schemas of a release; those of 6.0 have the map of repos."""
    settable: dict[str, JsonObject] = {
        "name": _text(NAME_MAX_CHARS),
        "version": _text(VERSION_MAX_CHARS),
        "operating_system": _text(SYSTEM_MAX_CHARS),
        "state": {"enum": list(line.states)},
        "description": _nullable("string"),
        **({"orchestrator_data": _ORCHESTRATOR_DATA} if line.has_map else {}),
        **_DETAILS,
        **_LATER,
    }
    sample = StoredRelease(1, ReleaseFields()).to_wire(has_map=line.has_map)
    known: dict[str, JsonObject] = {
        **settable, "id": _ID, "orchestrator_data": {"type": "object"}
    }  # fmt: skip
    shown = _like(sample, **known)
    later = {name: schema for name, schema in _LATER.items() if name not in HIDDEN}
    properties = {**later, **cast(JsonObject, shown["properties"])}
    return ReleaseSchemas(
        new=_with(tuple(line.mandatory), **settable),
        changed=_with(**settable),
        shown={**shown, "properties": properties},
    )


NETWORKS: JsonObject = {"type": "object"}
DEPLOYMENT_TASKS = list_of(_with(("id", "type"), id={"type": "string"}, type={"type": "string"}))

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
NOTIFICATIONS = list_of(NOTIFICATION)

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
    changes=list_of({"type": "object"}),
)
CLUSTERS = list_of(CLUSTER)
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
TASKS = list_of(TASK)
NODE = _like(
    Node(1, "", "").to_wire(), id=_ID, name=_TEXT, status=_TEXT, cluster=_nullable("integer")
)
NODES = list_of(NODE)

FUEL_VERSION = _only(
    release=_TEXT,
    api={"const": "1"},
    auth_required={"type": "boolean"},
    feature_groups=list_of(_TEXT),
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
            roles=list_of(_only(name=_TEXT)),
            roles_links=list_of({}),
        ),
        metadata=_only(is_admin=_WHOLE, roles=list_of(_TEXT)),
        serviceCatalog=list_of({}),
    )
)

AUTH_V3: JsonObject = AuthRequest.model_json_schema(ref_template="#/components/schemas/{model}")
#: The schemas to which :data:`AUTH_V3` refers.
COMPONENTS: JsonObject = AUTH_V3.pop("$defs")  # type: ignore[assignment]
_NAMED = _only(id=_TEXT, name=_TEXT)
_TOKEN_V3: dict[str, JsonObject] = {
    "methods": list_of(_TEXT),
    "user": _only(id=_TEXT, name=_TEXT, domain=_NAMED, password_expires_at=_nullable("string")),
    "audit_ids": list_of(_TEXT),
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
            "roles": list_of(_NAMED),
            "catalog": list_of({}),
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
    links=list_of(_only(rel=_TEXT, href=_TEXT)),
    **{"media-types": list_of(_only(base=_TEXT, type=_TEXT))},
)
VERSION = _only(version=_VERSION)
VERSIONS = _only(versions=_only(values=list_of(_VERSION)))
OPENAPI: JsonObject = {"type": "object", "required": ["openapi", "info", "paths"]}
