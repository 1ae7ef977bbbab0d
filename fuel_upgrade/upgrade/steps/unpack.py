"""The step that reads the tarball: everything is staged and verified, nothing live is touched."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fuel_upgrade.bundle.verify import BundleHead, read_head, unpack
from fuel_upgrade.errors import BundleError
from fuel_upgrade.system.files import (
    discard,
    make_folders,
    remove_empty,
    remove_together,
    sync_filesystem,
)
from fuel_upgrade.upgrade.steps.step import Facts, World


@dataclass(frozen=True, slots=True)
class Unpack:
    """Unpack a tarball into staging folders, each beside the place its content is for.

    ``roots`` are the folders that this install has for itself; after the switches they hold what
    was live before. ``stagings`` maps a prefix of paths in the tarball to the folder, in one of
    the roots, for what lies below it; "" takes the rest. ``links`` maps a symbolic link to make
    in staging to its target.
    """

    tarball: Path
    seal_sha256: str
    roots: tuple[Path, ...]
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

    def inspect(self) -> Facts:
        """Find out which folders will have to be made."""
        made: list[str] = []
        for root in self.roots:
            missing = [p for p in (root, *root.parents) if not p.exists()]
            made.extend(str(p) for p in reversed(missing))
        return {"made": list(dict.fromkeys(made))}

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
        for root in one_a_file_system.values():
            sync_filesystem(root)
        return facts

    def discard(self) -> None:
        """Undo it as far as others can see; :meth:`revert` frees the room, which takes longer."""
        discard(self.roots)

    def revert(self, facts: Facts) -> None:
        """Remove the roots, and those folders above them that were made for them.

        For an install that succeeded this is also how its backups are given up. Those that a
        crash leaves of them must not look whole and lack files: then they could be put back.
        """
        remove_together(self.roots)
        remove_empty([root.parent for root in self.roots])  # the folder of all installs' roots
        remove_empty([Path(made) for made in reversed(facts["made"])])

    def _route(self, member: str) -> Path:
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
