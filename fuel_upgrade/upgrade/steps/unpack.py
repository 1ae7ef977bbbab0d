"""The step that reads the tarball: everything is staged and verified, nothing live is touched."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fuel_upgrade.bundle.manifest import is_installer
from fuel_upgrade.bundle.verify import BundleHead, read_head, unpack
from fuel_upgrade.errors import BundleError
from fuel_upgrade.system.files import make_folders, sync_filesystem
from fuel_upgrade.upgrade.steps.staging_folders import Roots
from fuel_upgrade.upgrade.steps.step import Facts, World


@dataclass(frozen=True, slots=True)
class Unpack(Roots):
    """Unpack a tarball into staging folders, each beside the place its content is for.

    ``stagings`` maps a prefix of paths in the tarball to the folder, in one of the roots, for what
    lies below it; "" takes the rest. ``links`` maps a symbolic link to make in staging to its
    target.
    """

    tarball: Path
    seal_sha256: str
    stagings: dict[str, str]
    links: dict[str, str]
    world: World

    @classmethod
    def from_params(cls, params: Facts, world: World) -> Self:
        """Build the step from what the plan, or the journal, says."""
        return cls(
            tarball=Path(params["tarball"]),
            seal_sha256=params["seal_sha256"],
            roots=tuple(Path(root) for root in params["roots"]),
            stagings=params["stagings"],
            links=params["links"],
            world=world,
        )

    def apply(self, facts: Facts) -> Facts:
        """Unpack and verify every byte, and make it durable with one sync a file system.

        Raises:
            BundleError: the tarball is damaged, or is not the one that was planned.
        """
        head = read_head(self.tarball)
        if head.seal_sha256 != self.seal_sha256:
            raise BundleError(
                f"{self.tarball}: is another tarball than the one that was planned",
                remedy="start the install again",
            )
        for root in self.roots:
            make_folders(root)
        unpack(head, self._route, progress=self.world.progress)
        for link, target in self.links.items():
            Path(link).symlink_to(target)
        one_a_file_system = {root.stat().st_dev: root for root in self.roots}
        for number, root in enumerate(one_a_file_system.values()):
            self.world.progress("writing to the disk", number, len(one_a_file_system))
            sync_filesystem(root)
        return facts

    def _route(self, member: str) -> Path | None:
        if is_installer(member):
            return None
        prefix = max((p for p in self.stagings if member.startswith(p)), key=len)
        return Path(self.stagings[prefix], member.removeprefix(prefix))


def params(
    head: BundleHead, roots: Iterable[Path], stagings: Mapping[str, Path], links: Mapping[Path, str]
) -> dict[str, Any]:
    """Return the step's parameters as the plan holds them."""
    return {
        "tarball": str(head.path),
        "seal_sha256": head.seal_sha256,
        "roots": [str(root) for root in roots],
        "stagings": {prefix: str(folder) for prefix, folder in stagings.items()},
        "links": {str(link): target for link, target in links.items()},
    }
