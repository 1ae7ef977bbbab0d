"""A ``diff.yaml`` that contradicts itself or holds no numbers, names or fingerprints is refused."""

import re

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.description import DiffDescription
from fuel_upgrade.repo.package import RepoKind

SUM = "a" * 64
HONEST = DiffDescription(
    kind=RepoKind.APT,
    algorithm="sha256",
    base_fingerprint=f"sha256:{SUM}",
    result_fingerprint=f"sha256:{SUM}",
    counts={"added": 1, "upgraded": 0, "rebuilt": 1, "downgraded": 0, "inherited": 1, "removed": 1,
            "carried": 2},
    carried_bytes=2,
    result_bytes=3,
    removed=("gone amd64 1",),
    rebuilt=("two amd64 1",),
    downgraded=(),
    inherited=(f"one all 1.0-1 {SUM}",),
)  # fmt: skip
LIES = [
    ("kind: apt", "kind: rpm"),
    ("algorithm: sha256", "algorithm: crc32"),
    ("algorithm: sha256", "algorithm: [sha256]"),
    (f"base_fingerprint: sha256:{SUM}", "base_fingerprint: sha256:0"),
    (f"result_fingerprint: sha256:{SUM}", "result_fingerprint: 7"),
    ("inherited: 1", "inherited: 2"),
    ("removed: 1", "removed: 0"),
    ("rebuilt: 1", "rebuilt: 0"),
    ("downgraded: 0", "downgraded: 1"),
    ("carried: 2", "carried: 3"),
    ("carried: 2", "carried: -2"),
    ("carried: 2", "carried: 2.0"),
    ("carried: 2", "carried: yes"),
    ("added: 1", "added: 1\n  evil: 1"),
    ("  upgraded: 0\n", ""),
    ("carried_bytes: 2", "carried_bytes: -1"),
    ("carried_bytes: 2", "carried_bytes: 4"),
    ("result_bytes: 3", "result_bytes: 99999999999999999999"),
    ("result_bytes: 3", "result_bytes: .inf"),
    ("- gone amd64 1", "- gone"),
    ("- gone amd64 1", "- [gone, amd64, 1]"),
    ("- gone amd64 1", '- "gone amd64 1\\e[2J"'),
    ("one all 1.0-1", "one all\u202e 1.0-1"),
]


def test_an_honest_description_is_accepted() -> None:
    assert DiffDescription.parse(HONEST.render(), source="") == HONEST


@pytest.mark.parametrize(("old", "new"), LIES)
def test_a_lie_is_refused(old: str, new: str) -> None:
    text, count = re.subn(re.escape(old), lambda _: new, HONEST.render(), count=1)
    assert count == 1
    with pytest.raises(BundleError, match=r"d\.yaml: "):
        DiffDescription.parse(text, source="d.yaml")
