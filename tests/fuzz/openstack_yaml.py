"""``openstack.yaml``, as YAML and as JSON, and the bodies that Nailgun gets for its releases."""

import json
from typing import Any

from fuel_upgrade.release.dialect import DIALECTS
from fuel_upgrade.release.fixture import as_yaml, parse_fixture
from fuel_upgrade.release.nailgun_settings import fill_settings
from fuel_upgrade.release.registered_repos import orchestrator_data
from tests.builders import openstack_yaml
from tests.fuzz.metadata_yaml import YAML_WORDS
from tests.fuzz.target import Target, text_of

_REPOS = [
    {"type": "deb", "name": "mos", "uri": "http://{settings.MASTER_IP}:8080/u", "suite": "mos8.0",
     "section": "main", "priority": 1050},
    {"type": "rpm", "name": "mirror", "uri": "http://mirror/", "priority": None},
]  # fmt: skip
_MAP: dict[str, Any] = {
    **openstack_yaml(["Ubuntu"])[0]["fields"],
    "state": "available",
    "roles": ["controller"],
    "orchestrator_data": {
        "repo_metadata": {"2014.2-6.0": "http://{MASTER_IP}:8080/u precise main"},
        "puppet_manifests_source": "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}/manifests/",
    },
    "networks_metadata": {"cidr": "{{settings.MASTER_IP}}"},
}
_LIST: dict[str, Any] = {
    **openstack_yaml(["CentOS"], "liberty-8.0")[0]["fields"],
    "state": "unavailable",
    "attributes_metadata": {"editable": {"repo_setup": {"repos": {"value": _REPOS}}}},
}
_EXTENDS = """
- &base {pk: ~, model: nailgun.release, extend: {fields: {roles: [a]}}, fields: {state: available}}
- pk: 1
  extend: *base
  fields: {name: Juno, version: 2014.2-6.0, operating_system: Ubuntu, can_update_from_versions: []}
"""


def _entries(*fields: dict[str, Any]) -> bytes:
    entries = [{"pk": n, "model": "nailgun.release", "fields": f} for n, f in enumerate(fields)]
    return json.dumps(entries).encode()


def read(data: bytes) -> None:
    """Read it as JSON if it looks like it, and make the bodies of each release."""
    source = "openstack.json" if data.startswith(b"[") else "openstack.yaml"
    text = text_of(data)
    releases = parse_fixture(text, source=source)
    assert parse_fixture(as_yaml(text, source=source), source="again.yaml") == releases
    for release in releases:
        filled = fill_settings(release, "10.20.0.2")
        repos = orchestrator_data(filled, "http://master/u precise main", None)
        for dialect in DIALECTS.values():
            json.dumps(dialect.body(filled.fields, repos), allow_nan=False)


TARGET = Target(
    read,
    seeds=(
        *(_entries(_MAP), _entries(_LIST), b"\n" + _entries(_MAP, _LIST), _EXTENDS.encode()),
        b"- {pk: 1, fields: {name: J, version: '1', operating_system: Ubuntu}}\n",
    ),
    words=(
        *YAML_WORDS,
        *(b"pk:", b"fields:", b"extend:", b"model: nailgun.release", b"name:", b"version:"),
        *(b"operating_system:", b"state:", b"roles:", b"orchestrator_data:", b"repo_metadata:"),
        *(b"attributes_metadata:", b"editable:", b"repo_setup:", b"repos:", b"value:", b"uri:"),
        *(b"suite:", b"section:", b"priority:", b"type: deb", b"{{settings.MASTER_IP}}", b"{%"),
        *(b"{OPENSTACK_VERSION}", b"{MASTER_IP}", b"puppet_manifests_source:", b"NaN", b"Infinity"),
    ),
)  # fmt: skip
