"""A local copy of a repo of a web server: all of its indexes, and packages on demand."""

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.errors import BundleError, CommandError, ConfigError, OutsideError
from fuel_upgrade.repo.apt.release_file import RELEASES, read_release
from fuel_upgrade.repo.apt.suite_path import index_path, is_flat
from fuel_upgrade.repo.package import Package, checked_location
from fuel_upgrade.repo.remote.download import Downloader, RemoteFile
from fuel_upgrade.repo.yum.repomd import read_records
from fuel_upgrade.system.process import run
from fuel_upgrade.system.progress import Progress

_CONNECTIONS = 8
_STRONGEST_FIRST = ("sha512", "sha256", "sha1", "md5")
_INDEX = re.compile(
    r"(?:.*/)?(?:binary-([^/]+)/Packages|i18n/Translation-[^/.]+|Contents-([^/.]+))"
)
_FORM = re.compile(r"\.(?:xz|lzma|zst|bz2|gz)$")
_GPGV_TIMEOUT_S = 60
_Listed = tuple[RemoteFile, str]
"""A file of the server, and its place relative to the folder of the copy."""


@dataclass(frozen=True, slots=True)
class MirrorOptions:
    """The parts of a repo to copy; all ``architectures`` of an apt repo if none is named.

    With a ``keyring`` its signature must be good.
    """

    suite: str | None = None
    architectures: tuple[str, ...] = ()
    contents: bool = False
    keyring: Path | None = None


class Mirror:
    """The copy of the apt or yum repo at ``url``, in a new folder."""

    def __init__(
        self, url: str, folder: Path, options: MirrorOptions, downloader: Downloader
    ) -> None:
        self._url = url.rstrip("/")
        self._folder = folder
        self._options = options
        self._downloader = downloader

    def copy_indexes(self, progress: Progress) -> None:
        """Copy all indexes.

        Raises:
            ConfigError: there is no repo, or no suite of an apt repo is named.
            BundleError: its indexes are malformed, or its signature is not good.
            OutsideError: the server fails.
        """
        repomd = self._downloader.text(f"{self._url}/repodata/repomd.xml")
        if repomd is not None:
            self._copy_yum(repomd, progress)
        elif self._options.suite is None:
            raise ConfigError(
                f"{self._url}: no repodata/repomd.xml, and no suite of an apt repo is named",
                remedy="name the URL of a repo, and the suite of an apt repo (--suite,"
                " --base-suite)",
            )
        else:
            self._copy_apt(self._options.suite, progress)

    def fetch(self, progress: Progress, packages: Iterable[Package]) -> None:
        """Fetch packages to their places.

        Raises:
            OutsideError: the server fails, or lacks one of them.
            BundleError: a package has the place of an index.
        """
        files = []
        for package in packages:
            path = package.location
            if (self._folder / path).exists():
                raise BundleError(
                    f"{self._url}/{path}: a package and an index", remedy="reindex the repo"
                )
            files.append(self._listed(path, dict(package.digests), package.size_bytes))
        self._fetch_all(files, progress)

    def _copy_yum(self, repomd: bytes, progress: Progress) -> None:
        target = self._folder / "repodata/repomd.xml"
        target.parent.mkdir(parents=True)
        target.write_bytes(repomd)
        self._check_detached("repodata/repomd.xml", ".asc")
        files = []
        for record in read_records(target):
            path = checked_location(record.location_href, source=str(target))
            kind = "sha1" if record.checksum_type == "sha" else record.checksum_type
            files.append(self._listed(path, {kind: record.checksum}, record.size or None))
        self._fetch_all(files, progress)

    def _copy_apt(self, suite: str, progress: Progress) -> None:
        place = index_path(suite)
        folder = self._folder / place
        folder.mkdir(parents=True)
        for name in RELEASES:
            text = self._downloader.text(f"{self._url}/{place}/{name}")
            if text is not None:
                (folder / name).write_bytes(text)
        if not any((folder / name).exists() for name in RELEASES):
            raise ConfigError(
                f"{self._url}/{place}: neither InRelease nor Release",
                remedy="name the URL of a repo, and its suite",
            )
        self._check_apt(place)
        files = [
            self._listed(f"{place}/{name}", sums.values, sums.size_bytes)
            for name, sums in read_release(folder).listed.items()
            if self._has(checked_location(name, source=str(folder)), flat=is_flat(suite))
        ]
        # A Release also lists forms that no server has, such as the plain ones.
        self._fetch_all(files, progress, require=False)

    def _has(self, name: str, *, flat: bool) -> bool:
        """Return whether an index is copied; in all forms, because the diff repo gets them too."""
        stem = _FORM.sub("", name)
        if flat:
            return stem == "Packages"
        match = _INDEX.fullmatch(stem)
        if match is None or "debian-installer" in stem:
            return False
        architecture = match[1] or match[2]
        chosen = self._options.architectures
        if architecture and chosen and architecture not in chosen:
            return False
        return self._options.contents or match[2] is None

    def _listed(self, path: str, digests: Mapping[str, str], size_bytes: int | None) -> _Listed:
        algorithm = min(digests, key=_STRONGEST_FIRST.index)
        return RemoteFile(f"{self._url}/{path}", size_bytes, algorithm, digests[algorithm]), path

    def _fetch_all(
        self, files: Sequence[_Listed], progress: Progress, *, require: bool = True
    ) -> None:
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            fetched = pool.map(lambda f: self._downloader.fetch(f[0], self._folder / f[1]), files)
            for number, ((file, _), is_there) in enumerate(zip(files, fetched, strict=True), 1):
                progress("fetching", number, len(files))
                if require and not is_there:
                    raise OutsideError(
                        f"{file.url}: the server does not have it, though its index lists it",
                        remedy="repair the mirror, or try again when its update has ended",
                    )

    def _check_apt(self, place: str) -> None:
        if not self._options.keyring:
            return
        folder = self._folder / place
        if (folder / "InRelease").exists():
            self._check_signature(folder / "InRelease")
            (folder / "Release").unlink(missing_ok=True)  # nobody signed that one
        else:
            self._check_detached(f"{place}/Release", ".gpg")

    def _check_detached(self, path: str, suffix: str) -> None:
        """Fetch the signature of a file, and check it if there is a keyring."""
        if not self._options.keyring:
            return
        url = f"{self._url}/{path}{suffix}"
        signature = self._downloader.text(url)
        if signature is None:
            raise BundleError(
                f"{url}: no signature, and a keyring is named",
                remedy="sign the repo, or name no keyring",
            )
        target = self._folder / f"{path}{suffix}"
        target.write_bytes(signature)
        self._check_signature(target, self._folder / path)

    def _check_signature(self, *files: Path) -> None:
        keyring = self._options.keyring
        argv = ["gpgv", "--keyring", f"{keyring and keyring.absolute()}", *map(str, files)]
        try:
            run(argv, timeout_s=_GPGV_TIMEOUT_S, package="gpgv")
        except CommandError as error:
            if error.returncode is None:
                raise
            raise BundleError(
                f"{self._url}: {files[0].name}: no good signature by {keyring}:"
                f" {error.stderr_tail.strip()}",
                remedy="name the keyring of the repo's owner; if it is that, do not use the repo",
            ) from error
