"""The bodies of requests to the daemon and to the registry, whose answers must not be a 500.

An input is a line ``APP METHOD PATH``, where the app is ``daemon`` or a line of Nailgun versions,
and the body. The daemon has no control plane and starts no job: bodies are read and checked.
"""

import json
from random import Random
from typing import Any

from starlette.types import ASGIApp

from tests.fuzz.api_apps import Registry, ask, daemon
from tests.fuzz.json_mutation import JSON_WORDS, mutate_json
from tests.fuzz.target import ByBytes, Target, scratch

_RENEWED_EVERY = 500  # inputs: the registry must not grow, and an input must not depend on many
_OF_NO_CONTROL_PLANE = 502
_REPO = {"type": "deb", "name": "mos", "uri": "http://b", "suite": "mos8.0", "section": "main",
         "priority": 1050}  # fmt: skip
_RELEASE = {
    "name": "Juno",
    "version": "2014.2-6.0",
    "operating_system": "Ubuntu",
    "roles": ["compute"],
    "orchestrator_data": {
        "repo_metadata": {"2014.2-6.0": "http://{MASTER_IP}:8080/u precise main"},
        "puppet_manifests_source": "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}/manifests/",
        "puppet_modules_source": "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}/modules/",
    },
    "networks_metadata": {"nova_network": {"networks": []}, "neutron": {"networks": []}},
}
_LATER = {
    "name": "Liberty",
    "version": "liberty-8.0",
    "state": "available",
    "operating_system": "Ubuntu",
    "attributes_metadata": {"editable": {"repo_setup": {"repos": {"value": [_REPO]}}}},
    "deployment_tasks": [{"id": "a", "type": "puppet"}],
}
_V2 = {"auth": {"tenantName": "t", "passwordCredentials": {"username": "fuzz", "password": "p"}}}
_USER = {"name": "fuzz", "domain": {"id": "default"}, "password": "p"}
_V3 = {
    "auth": {
        "identity": {"methods": ["password"], "password": {"user": _USER}},
        "scope": {"project": {"name": "admin", "domain": {"name": "Default"}}},
    }
}
_PLAN = {
    "format": 1,
    "plan_format": 1,
    "tarball": "/nowhere/fuel-6.0-upgrade.tar",
    "basis": {
        "seal_sha256": "a" * 64,
        "fuel_version": "6.0",
        "settings": {"full_view": True},
        "releases": [],
        "live": {},
        "bases": {},
        "steps": [],
    },
}
_GC_PLAN = {
    "format": 1, "fuel_version": "5.1", "folders": [], "keep": [], "freed_bytes": 0,
    "retire": [{"id": 1, "name": "n", "version": "5.1", "operating_system": "Ubuntu",
                "why": "w", "repos": ["http://b"], "undo_lacks": []}],
}  # fmt: skip
_BOTH: dict[str, Any] = {
    "PUT /api/v1/releases/1/networks": _RELEASE["networks_metadata"],
    "POST /api/v1/notifications": {"topic": "release", "message": "<b>done</b>"},
    "PUT /api/v1/notifications/1": {"status": "read"},
    "PUT /api/v1/notifications": [{"id": 1, "status": "read"}],
    "POST /api/v1/clusters": {"name": "one", "release": 1, "mode": "ha_compact"},
    "PUT /api/v1/clusters/1": {"name": "two"},
    "PUT /api/v1/clusters/1/attributes": {"editable": {"a": {"value": 1}}},
    "POST /v2.0/tokens": _V2,
    "POST /keystone/v3/auth/tokens": _V3,
}
_BODIES: dict[str, Any] = {
    **{f"{line} {request}": body for line in ("6.0", "6.1") for request, body in _BOTH.items()},
    "6.0 POST /api/v1/releases": {**_RELEASE, "name": "another"},
    "6.0 PUT /api/v1/releases/1": _RELEASE,
    "6.1 POST /api/v1/releases": {**_LATER, "name": "another"},
    "6.1 PUT /api/v1/releases/1": _LATER,
    "6.1 PUT /api/v1/releases/1/deployment_tasks": _LATER["deployment_tasks"],
    "6.1 PUT /api/v1/releases/1/attributes_metadata": _LATER["attributes_metadata"],
    "daemon POST /v1/plans": {"tarballs": ["/nowhere/a", "/b"], "verify_base": True},
    "daemon POST /v1/repair-requests": {"tarball": "/nowhere/a.tar", "verify_base": False},
    "daemon POST /v1/installs": {"plan": _PLAN, "wait_s": 0.5, "fail_if_installed": True},
    "daemon POST /v1/rollbacks": {"install": "0"},
    "daemon POST /v1/recoveries": {"policy": "resume"},
    "daemon POST /v1/repairs": {"install": "0", "accept": True},
    "daemon POST /v1/gc-plans": {"releases": ["2014.1.1-5.1"]},
    "daemon POST /v1/gcs": {"plan": _GC_PLAN},
    "daemon POST /v1/squash-plans": {"release": "2014.2-6.0"},
    "daemon POST /v1/squashes": {"release": "2014.2-6.0"},
}
_SEEDS = tuple(f"{line}\n".encode() + json.dumps(body).encode() for line, body in _BODIES.items())


class _Apps:
    """The daemon, and a registry of each line; the registries are renewed from time to time."""

    def __init__(self) -> None:
        self._registries = {line: Registry(line, scratch()) for line in ("6.0", "6.1")}
        self._apps: dict[str, ASGIApp] = {"daemon": daemon(scratch() / "root")}
        self._asked = 0

    def read(self, data: bytes) -> None:
        """Send the request of an input."""
        if self._asked % _RENEWED_EVERY == 0:
            self._renew()
        self._asked += 1
        line, _, body = data.partition(b"\n")
        name, method, path, *_ = [*line.decode(errors="replace").split(" "), "", "", ""]
        if name in self._apps:
            status = self._ask(name, method, path, body)
            assert status < 500 or (name, status) == ("daemon", _OF_NO_CONTROL_PLANE)

    def _renew(self) -> None:
        for line, registry in self._registries.items():
            self._apps[line] = registry.begin()
            for request in ("releases", "clusters", "notifications"):
                path = f"/api/v1/{request}"
                body = json.dumps(_BODIES[f"{line} POST {path}"]).encode()
                assert self._ask(line, "POST", path, body) == 201

    def _ask(self, name: str, method: str, path: str, body: bytes) -> int:
        token = self._registries[name].token if name in self._registries else ""
        return ask(self._apps[name], method, path, body, token)


def _mutation(data: bytes, chance: Random, by_bytes: ByBytes) -> bytes:
    line, _, body = data.partition(b"\n")
    if chance.random() < 0.1:
        line = chance.choice((by_bytes(line), chance.choice(_SEEDS).partition(b"\n")[0]))
    return line + b"\n" + mutate_json(body, chance, by_bytes)


TARGET = Target(
    _Apps().read,
    seeds=_SEEDS,
    words=(*JSON_WORDS, b"{MASTER_IP}", b"{OPENSTACK_VERSION}", b"/1/", b"?"),
    mutation=_mutation,
)
