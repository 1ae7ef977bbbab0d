"""JSON schemas of the bodies and answers of the registry.

The keys come from the resources: a key that is added there is described here at once.
"""

from dataclasses import dataclass
from typing import Any, cast

from fuel_upgrade.registry.auth.identity import AuthRequest
from fuel_upgrade.registry.lines import Line
from fuel_upgrade.registry.resources import (
    DETAILS,
    HIDDEN,
    LATER_DETAILS,
    MODES,
    NET_PROVIDERS,
    TOPICS,
    JsonObject,
    Node,
    ReleaseFields,
    StoredRelease,
)
from fuel_upgrade.registry.rules import NAME_MAX_CHARS, SYSTEM_MAX_CHARS, VERSION_MAX_CHARS

_KINDS: dict[type, JsonObject] = {dict: {"type": "object"}, list: {"type": "array"}, object: {}}
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


_DETAILS: dict[str, JsonObject] = {name: _KINDS[kind] for name, kind in DETAILS.items()}
_LATER: dict[str, JsonObject] = {name: _KINDS[kind] for name, kind in LATER_DETAILS.items()}
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
    sample = StoredRelease(1, ReleaseFields()).to_wire(line)
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

NEW_NOTIFICATION = _with(("topic",), topic={"enum": list(TOPICS)}, message=_nullable("string"))
_STATUS: JsonObject = {"enum": ["read", "unread"]}
CHANGED_NOTIFICATION = _with(("status",), status=_STATUS)
MARKED_NOTIFICATIONS = list_of(_with(("id", "status"), id=_ID, status=_STATUS))

_MODE: JsonObject = {"enum": list(MODES)}
NEW_CLUSTER: JsonObject = {
    **_with(
        ("name",),
        name=_text(NAME_MAX_CHARS),
        release_id=_ID,
        release=_ID,
        mode=_MODE,
        net_provider={"enum": list(NET_PROVIDERS)},
    ),
    "anyOf": [{"required": ["release_id"]}, {"required": ["release"]}],
}
CHANGED_CLUSTER = _with(name=_text(NAME_MAX_CHARS), release_id=_ID, mode=_MODE)
DELETED_CLUSTER = _NO_OBJECT
ATTRIBUTES = _with(editable={"type": "object"})
NOTHING: JsonObject = {"type": "array", "maxItems": 0}

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
    node={"oneOf": [Node.schema_of_answer(), {"type": "null"}]},
    repo_metadata={"type": "object", "additionalProperties": _TEXT},
    puppet_manifests_source=_TEXT,
    puppet_modules_source=_TEXT,
    sources={"type": ["object", "null"], "additionalProperties": _TEXT},
)

_CREDENTIALS = _with(("username", "password"), username=_TEXT, password=_TEXT)
AUTH_V2 = _with(
    ("auth",),
    auth={
        **_with(tenantName=_TEXT, passwordCredentials=_CREDENTIALS, token=_with(("id",), id=_TEXT)),
        "anyOf": [{"required": ["passwordCredentials"]}, {"required": ["token"]}],
    },
)
NEW_PASSWORD = _with(
    ("user",),
    user=_with(("original_password", "password"), original_password=_TEXT, password=_text()),
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
