"""The paths of an install: where each part of a tarball is staged, and where it goes live. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.manifest import RepoPart
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.config import Paths
from fuel_upgrade.upgrade.plan.plan import PlannedStep
from fuel_upgrade.upgrade.steps.full_view import FOLDER, BuildView
from fuel_upgrade.upgrade.steps.publish_venvs import PublishVenvs
from fuel_upgrade.upgrade.steps.switch import Switch
from fuel_upgrade.venv.repo_layout import lay_out
from fuel_upgrade.venv.venv_index import NO_VENVS, VenvIndex

STAGING = ".fuel-upgrade"
_PACKAGES = (".deb", ".rpm")
_BLOCK_BYTES = 4096  # of ext4 and xfs: a file takes whole blocks


class Layout:
    """The staging and live paths of one tarball, under the id of its install."""

    def __init__(
        self, head: BundleHead, paths: Paths, install: str, published: VenvIndex = NO_VENVS
    ) -> None:
        self._head = head
        self._paths = paths
        self._repos = paths.repos / STAGING / install
        self._puppet = paths.puppet / STAGING / install
        self._fuel = paths.fuel / STAGING / install
        self._rest = paths.state / "staging" / install
        for part in head.venvs:
            published = published.with_release(part.version, part.index.entries)
        self._publication_bytes = len(lay_out(published)) * _BLOCK_BYTES if head.venvs else 0
        self._venvs = paths.venvs / STAGING / install
        self.stagings: dict[str, Path] = {
            manifest.REPOS: self._repos,
            manifest.PUPPET: self._puppet,
            manifest.RELEASE_VERSIONS: self._fuel / "release_versions",
            manifest.CONFIG: self._fuel / "config",
            "": self._rest,
        }
        self.roots: tuple[Path, ...] = (self._repos, self._puppet, self._fuel, self._rest)
        if head.venvs:
            self.stagings[manifest.VENVS] = self._venvs
            self.roots = (*self.roots, self._venvs)
        self.links = {self._fuel / "link": f"{head.fuel_version}/version.yaml"}

    def staged_bytes(self, viewed: Iterable[RepoPart]) -> dict[Path, int]:
        """Return how many bytes are written below each folder before the switch."""
        totals = dict.fromkeys(
            (self._paths.repos, self._paths.puppet, self._paths.fuel, self._paths.state), 0
        )
        if self._head.venvs:
            totals[self._paths.venvs] = self._publication_bytes
        folders = {
            prefix: max((f for f in totals if f in staging.parents), key=lambda f: len(f.parts))
            for prefix, staging in self.stagings.items()
        }
        for path, sealed in self._head.sealed.items():
            if manifest.is_installer(path):  # it stays in the tarball
                continue
            prefix = max((p for p in folders if path.startswith(p)), key=len)
            totals[folders[prefix]] += -(-sealed.length_bytes // _BLOCK_BYTES) * _BLOCK_BYTES
        totals[self._paths.repos] += sum(map(self.view_bytes, viewed))
        return totals

    def switches(self) -> Iterator[PlannedStep]:
        """Yield the switches of repos, puppet and release versions."""
        for repo in self._head.repos:
            yield planned_switch(
                f"repo {repo.place}", self._repos / repo.place, self._paths.repos / repo.place
            )
        for version in self._below(manifest.PUPPET):
            yield planned_switch(
                f"puppet {version}", self._puppet / version, self._paths.puppet / version
            )
        for name in self._below(manifest.RELEASE_VERSIONS):
            yield planned_switch(
                f"release version {name}",
                self._fuel / "release_versions" / name,
                self._paths.release_versions / name,
            )

    def publication(self) -> Iterator[PlannedStep]:
        """Yield the step that publishes the venvs of all releases at once, if there are any."""
        if not self._head.venvs:
            return
        names = ", ".join(
            f"{part.version} (tag {part.tag}, {part.new_venvs} of {len(part.index.entries)} new)"
            for part in self._head.venvs
        )
        added = tuple(part.version for part in self._head.venvs)
        yield PlannedStep(
            PublishVenvs(self._paths.venvs, self._venvs, added),
            f"publish the venvs of {names}",
            "publish the previous venvs again",
            self._publication_bytes,
        )

    def view_bytes(self, repo: RepoPart) -> int:
        """Estimate the size of a full view: that of its indexes, since packages are links.

        A diff repo that carries the release's own indexes has their full size; the indexes of
        another cover its own packages only, and are scaled up.
        """
        described = self._head.descriptions[repo.version, repo.os_key]
        own = sum(
            file.length_bytes
            for path, file in self._head.sealed.items()
            if path.startswith(repo.folder + "/") and not path.endswith(_PACKAGES)
        )
        scale = 1 if described.original else -(-repo.full_packages // max(repo.packages, 1))
        return own * max(scale, 1)

    def view_steps(self, repo: RepoPart, roots: Sequence[Path]) -> Iterator[PlannedStep]:
        """Yield the steps that build a full view and switch it into place."""
        place = f"{FOLDER}/{repo.place}"
        staged = self._repos / place
        yield PlannedStep(
            BuildView(tuple(roots), staged),
            f"build the full view of repo {repo.place}",
            "remove the full view",
            self.view_bytes(repo),
        )
        yield planned_switch(f"full view {place}", staged, self._paths.repos / place)

    def version_switches(self) -> Iterator[PlannedStep]:
        """Yield the last two switches: the version file of Fuel, and the link to it."""
        version = self._head.fuel_version
        yield planned_switch(
            f"version file of Fuel {version}",
            self._fuel / "config/version.yaml",
            self._paths.fuel / version / "version.yaml",
        )
        yield planned_switch(
            f"link to Fuel {version}", self._fuel / "link", self._paths.version_link
        )

    def _below(self, prefix: str) -> list[str]:
        inside = (path for path in self._head.sealed if path.startswith(prefix))
        return sorted({path.removeprefix(prefix).split("/")[0] for path in inside})


def planned_switch(what: str, staged: Path, live: Path) -> PlannedStep:
    """Plan one switch; ``what`` names the content in its title."""
    return PlannedStep(
        Switch(staged, live), f"switch {what}", "switch back to the previous content"
    )
