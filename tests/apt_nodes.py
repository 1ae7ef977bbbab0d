"""A node that only reads apt's indexes and plans, to compare chains with full repos."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.nodes.write_sources import write_tree
from tests.builders import write
from tests.generations import Generation

# Check-Valid-Until: some machines have it off in a file of their own, and Debian has it on.
CONF = """\
Dir "{root}";
Dir::State::status "{root}/var/lib/dpkg/status";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; "i386"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Check-Valid-Until "true";
"""
FOLDERS = (
    "etc/apt/apt.conf.d",
    "etc/apt/preferences.d",
    "etc/apt/sources.list.d",
    "etc/apt/trusted.gpg.d",
    "var/cache/apt/archives/partial",
    "var/lib/apt/lists/partial",
    "var/lib/dpkg",
)
Candidates = tuple[dict[str, str], frozenset[str]]


class Node:
    """A node of two architectures.

    Raises:
        OutsideError: apt refuses a repo.
    """

    def __init__(self, system: Generation, root: Path, files: Mapping[str, str]) -> None:
        self.root = root
        self._system = system
        for name in FOLDERS:
            (root / name).mkdir(parents=True)
        self._conf = write(root / "etc/apt/node.conf", CONF.format(root=root))
        self.pretend({})
        write_tree(files, root)
        self.run("apt-get", "update", "--error-on=any")

    def pretend(self, installed: Mapping[str, str]) -> None:
        stanzas = (
            f"Package: {name}\nStatus: install ok installed\nVersion: {version}\n"
            "Maintainer: m <m@example.com>\nArchitecture: amd64\nDescription: d\n\n"
            for name, version in installed.items()
        )
        write(self.root / "var/lib/dpkg/status", "".join(stanzas))

    def candidates(self, names: Sequence[str]) -> Candidates:
        """Return the candidates' versions, and the files' names and checksums, of these."""
        versions = self.policy(names)
        printed = (
            self.run("apt-get", "download", "--print-uris", *versions) if versions else ""
        ).splitlines()
        return versions, frozenset(line.split("' ", 1)[1] for line in printed if "' " in line)

    def policy(self, names: Iterable[str]) -> dict[str, str]:
        table = self.run("apt-cache", "policy", *sorted(set(names)))
        actual = re.findall(r"^(\S+):\n.*\n  Candidate: (\S+)$", table, re.MULTILINE)
        return {
            name if name.count(":") else f"{name}:amd64": version
            for name, version in actual
            if version != "(none)"
        }

    def upgrades(self) -> list[str]:
        planned = self.run("apt-get", "--simulate", "dist-upgrade")
        return re.findall(r"^(?:Inst|Remv) \S+ (?:\[\S+\] )?\(\S+", planned, re.MULTILINE)

    def run(self, *argv: str) -> str:
        return self._system.run(argv, {"APT_CONFIG": str(self._conf)})


@dataclass(frozen=True)
class Questions:
    """The ``names`` to resolve on an empty node, and those to resolve on one with packages."""

    names: Sequence[str]
    kept: Sequence[str]
    installed: Mapping[str, str]


Plans = tuple[Candidates, list[str], dict[str, str]]


def plans(
    system: Generation, root: Path, files: Mapping[str, str], questions: Questions
) -> Plans | str:
    """Return all plans of a node, or the kind of refusal by apt."""
    try:
        node = Node(system, root, files)
    except OutsideError as error:
        kinds = ("is not valid yet", "is expired", "Invalid 'Date'")
        return next((kind for kind in kinds if kind in str(error)), "") or str(error)
    candidates = node.candidates(questions.names)
    node.pretend(questions.installed)
    return candidates, node.upgrades(), node.policy(questions.kept)
