"""A local copy of a repo of a web server: all of its indexes, and no package yet."""

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.errors import BundleError, CommandError, ConfigError, OutsideError
from fuel_upgrade.repo.apt.release_file import read_release
from fuel_upgrade.repo.apt.suite_path import index_path, is_flat
from fuel_upgrade.repo.package import Package, checked_location
from fuel_upgrade.repo.remote.download import Downloader, RemoteFile
from fuel_upgrade.repo.yum.repomd import read_records
from fuel_upgrade.system.process import run

_CONNECTIONS = 8
_STRONGEST_FIRST = ("sha512", "sha256", "sha1", "md5")
_INDEX = re.compile(
    r"(?:.*/)?(?:binary-([^/]+)/Packages|i18n/Translation-[^/.]+|Contents-([^/.]+))"
)
_FORM = r"\.(?:xz|lzma|zst|bz2|gz)$"
_GPGV_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class MirrorOptions:
    """The parts of a repo to copy; all ``architectures`` of an apt repo if none is named.

    With a ``keyring`` its signature must be good.
    """

    suite: str | None = None
    architectures: tuple[str, ...] = ()
    contents: bool = False
    keyring: Path | None = None


def copy_indexes_from(
    url: str, folder: Path, options: MirrorOptions, downloader: Downloader
) -> None:
    """Copy the indexes of an apt or a yum repo into an empty folder.

    Raises:
        ConfigError: there is no repo, or no suite of an apt repo is named.
        BundleError: its indexes are malformed, or its signature is not good.
        OutsideError: the server fails.
    """
    url = url.rstrip("/")
    repomd = downloader.text(f"{url}/repodata/repomd.xml")
    if repomd is not None:
        _copy_yum(url, folder, repomd, options, downloader)
    elif options.suite is None:
        raise ConfigError(
            f"{url}: no repodata/repomd.xml, and no suite of an apt repo is named",
            remedy="name the URL of a repo, and the suite of an apt repo (--suite, --base-suite)",
        )
    else:
        _copy_apt(url, folder, options.suite, options, downloader)


def fetch_packages(
    url: str, folder: Path, packages: Iterable[Package], downloader: Downloader
) -> None:
    """Fetch packages to their places in the copy of a repo.

    Raises:
        OutsideError: the server fails, or lacks one of them.
    """
    places = {package.location: package for package in packages}
    files = [
        (_remote(f"{url.rstrip('/')}/{place}", dict(package.digests), package.size_bytes), place)
        for place, package in places.items()
    ]
    for _, place in files:
        if (folder / place).exists():
            raise BundleError(f"{folder / place}: in the way", remedy="use a new folder")
    _fetch_all(files, folder, downloader)


def _remote(url: str, digests: dict[str, str], size_bytes: int | None) -> RemoteFile:
    algorithm = min(digests, key=_STRONGEST_FIRST.index)
    return RemoteFile(url, size_bytes, algorithm, digests[algorithm])


def _fetch_all(
    files: Sequence[tuple[RemoteFile, str]],
    folder: Path,
    downloader: Downloader,
    *,
    require: bool = True,
) -> None:
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        done = pool.map(lambda pair: downloader.fetch(pair[0], folder / pair[1]), files)
        for (file, _), is_there in zip(files, done, strict=True):
            if require and not is_there:
                raise OutsideError(
                    f"{file.url}: the server does not have it, though its index lists it",
                    remedy="repair the mirror, or try again when its update has ended",
                )


def _copy_yum(
    url: str, folder: Path, repomd: bytes, options: MirrorOptions, downloader: Downloader
) -> None:
    target = folder / "repodata/repomd.xml"
    target.parent.mkdir(parents=True)
    target.write_bytes(repomd)
    if options.keyring:
        signature = downloader.text(f"{url}/repodata/repomd.xml.asc")
        _write_signature(signature, target.with_name("repomd.xml.asc"), url)
        _check_signature(options.keyring, target.with_name("repomd.xml.asc"), target)
    files = []
    for record in read_records(target):
        location = checked_location(record.location_href, source=str(target))
        digests = _yum_sum(record.checksum_type, record.checksum)
        files.append((_remote(f"{url}/{location}", digests, record.size or None), location))
    _fetch_all(files, folder, downloader)


def _yum_sum(kind: str, value: str) -> dict[str, str]:
    return {"sha1" if kind == "sha" else kind: value}


def _copy_apt(
    url: str, folder: Path, suite: str, options: MirrorOptions, downloader: Downloader
) -> None:
    place = index_path(suite)
    suite_folder, suite_url = folder / place, f"{url}/{place}".rstrip("/")
    suite_folder.mkdir(parents=True, exist_ok=True)
    texts = {name: downloader.text(f"{suite_url}/{name}") for name in ("InRelease", "Release")}
    for name, text in texts.items():
        if text is not None:
            (suite_folder / name).write_bytes(text)
    if not any(texts.values()):
        raise ConfigError(
            f"{suite_url}: neither InRelease nor Release",
            remedy="name the URL of a repo, and its suite",
        )
    if options.keyring:
        _check_apt(suite_url, suite_folder, options.keyring, downloader)
    listed = read_release(suite_folder).listed
    files = [
        (_remote(f"{suite_url}/{name}", dict(sums.values), sums.size_bytes), name)
        for name, sums in listed.items()
        if _is_chosen(checked_location(name, source=suite_url), options, flat=is_flat(suite))
    ]
    # A Release also lists forms that no server has, such as the plain ones.
    _fetch_all(files, suite_folder, downloader, require=False)


def _is_chosen(name: str, options: MirrorOptions, *, flat: bool) -> bool:
    """Return whether an index is to be copied; all forms, because the diff repo gets them too."""
    stem = re.sub(_FORM, "", name)
    if flat:
        return stem == "Packages"
    match = _INDEX.fullmatch(stem)
    if match is None or "debian-installer" in stem:
        return False
    architecture = match[1] or match[2]
    if architecture and options.architectures and architecture not in options.architectures:
        return False
    return options.contents or match[2] is None


def _check_apt(url: str, folder: Path, keyring: Path, downloader: Downloader) -> None:
    if (folder / "InRelease").exists():
        _check_signature(keyring, folder / "InRelease")
        (folder / "Release").unlink(missing_ok=True)  # nobody signed that one
        return
    _write_signature(downloader.text(f"{url}/Release.gpg"), folder / "Release.gpg", url)
    _check_signature(keyring, folder / "Release.gpg", folder / "Release")


def _write_signature(signature: bytes | None, path: Path, url: str) -> None:
    if signature is None:
        raise BundleError(
            f"{url}: no signature {path.name}, and a keyring is named",
            remedy="sign the repo, or name no keyring",
        )
    path.write_bytes(signature)


def _check_signature(keyring: Path, *files: Path) -> None:
    try:
        run(
            ["gpgv", "--keyring", str(keyring.absolute()), *map(str, files)],
            timeout_s=_GPGV_TIMEOUT_S,
        )
    except CommandError as error:
        if error.returncode is None:
            raise error.amended(remedy="install gpgv") from error
        raise BundleError(
            f"{files[0].name}: no good signature by {keyring}: {error.stderr_tail.strip()}",
            remedy="name the keyring of the repo's owner; if it is that, do not use the repo",
        ) from error
