"""The step that reads the tarball: it stages and verifies every file and changes nothing live."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from fuel_upgrade.bundle.check_repos import check_repo
from fuel_upgrade.bundle.manifest import REPOS, is_installer
from fuel_upgrade.bundle.unpack_tarball import Route, unpack
from fuel_upgrade.bundle.verify import read_head
from fuel_upgrade.errors import BundleError
from fuel_upgrade.system.files import make_folders, sync_filesystem
from fuel_upgrade.upgrade.records import Json
from fuel_upgrade.upgrade.steps.staging_folders import FolderFacts, StagingFolders
from fuel_upgrade.upgrade.steps.step import World


@dataclass(frozen=True, slots=True)
class Unpack(StagingFolders):
    """Unpack a tarball into staging folders, each on the file system of its live path.

    ``stagings`` maps a prefix of the paths in the tarball to a folder below one of the roots; ""
    takes the rest. ``links`` maps each symbolic link to make in staging to its target.
    """

    kind: ClassVar[str] = "unpack"

    tarball: Path
    seal_sha256: str
    stagings: Mapping[str, Path]
    links: Mapping[Path, str]

    def apply(self, facts: FolderFacts, world: World) -> FolderFacts:
        """Unpack and verify every byte, then make it durable with one sync per file system.

        Raises:
            BundleError: the tarball is damaged, not the planned one, or describes other repos.
        """
        head = read_head(self.tarball)
        if head.seal_sha256 != self.seal_sha256:
            raise BundleError(
                f"{self.tarball}: is not the tarball that was planned",
                remedy="start the install again",
            )
        for root in self.roots:
            make_folders(root)
        unpack(head, self.router(), progress=world.progress)
        for part in head.repos:
            check_repo(part, self.stagings[REPOS] / part.place)
        for link, target in self.links.items():
            link.symlink_to(target)
        by_device = {root.stat().st_dev: root for root in self.roots}
        for number, root in enumerate(by_device.values()):
            world.progress("writing to the disk", number, len(by_device))
            sync_filesystem(root)
        return facts

    def comparable_json(self) -> Json:
        """Return the parameters but the tarball's path: the seal identifies the tarball."""
        return {name: value for name, value in self.to_json().items() if name != "tarball"}

    def router(self) -> Route:
        """Return the map of a file of the tarball to its staging folder and path there, if any."""
        by_length = sorted(self.stagings.items(), key=lambda pair: len(pair[0]), reverse=True)

        def route(member: str) -> tuple[Path, str] | None:
            if is_installer(member):
                return None
            prefix, staging = next(pair for pair in by_length if member.startswith(pair[0]))
            return staging, member.removeprefix(prefix)

        return route
