"""``diff.yaml``, as the root of a repo has it, and everything that is made of it."""

from dataclasses import replace

from fuel_upgrade.repo.description import FILE_NAME, DiffDescription, require_description
from fuel_upgrade.repo.package import RepoKind, fingerprint
from tests.builders import package
from tests.fuzz.metadata_yaml import YAML_WORDS
from tests.fuzz.target import Target, scratch

_SUM = "a" * 64
_SEED = DiffDescription(
    kind=RepoKind.APT,
    algorithm="sha256",
    base_fingerprint=f"sha256:{_SUM}",
    result_fingerprint=fingerprint([package("one")], "sha256"),
    counts={
        "added": 1,
        "upgraded": 0,
        "rebuilt": 1,
        "downgraded": 0,
        "inherited": 1,
        "removed": 1,
        "carried": 2,
    },
    carried_bytes=2,
    result_bytes=3,
    removed=("gone amd64 1",),
    rebuilt=("two amd64 1",),
    downgraded=(),
    inherited=(f"one all 1.0-1 {_SUM}",),
    changes=(),
    original=("current/dists/precise/Release",),
    dropped=("contents dists/precise/Contents-amd64",),
)
_CHANGES = (
    "added new all - 1.0-1 - ? 1 - pool/new.deb",
    "removed gone amd64 1 - - 1 ? pool/gone.deb -",
    "rebuilt two amd64 1 1 - 1 2 pool/two.deb pool/two.deb",
)


def read(data: bytes) -> None:
    """Read it; report and render it; the rendered text has the same meaning."""
    (scratch() / FILE_NAME).write_bytes(data)
    description = require_description(scratch())
    description.report("diff")
    description.inherited_packages()
    again = DiffDescription.parse(description.render(), source="again")
    assert again == description


TARGET = Target(
    read,
    seeds=(
        _SEED.render().encode(),
        replace(_SEED, changes=_CHANGES).render().encode(),
        _SEED.render().replace("kind: apt", "kind: yum").encode(),
    ),
    words=(
        *YAML_WORDS,
        *(b"counts:", b"inherited: |\n", b"changes: |\n", b"removed:", b"original:", b"dropped:"),
        *(b"current/", b"../", b"format: 1", b"sha256", b"carried", b"\xe2\x80\xa8", b"\x1c"),
    ),
)
