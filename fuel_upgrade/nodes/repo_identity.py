"""Asks a repo what it is, over http or from a disk."""

import time
from dataclasses import replace
from email.message import Message
from email.parser import HeaderParser

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.nodes.repo_files import RemoteRepo
from fuel_upgrade.nodes.sources import NodeSource

_CLEARSIGN_HEAD = "-----BEGIN PGP SIGNED MESSAGE-----"
_CLEARSIGN_END = "\n-----BEGIN PGP SIGNATURE-----"
_INDEXES = ("Packages.gz", "Packages.xz", "Packages")


def fetch_identity(source: NodeSource, *, timeout_s: float) -> NodeSource:
    """Return the source with ``label``, ``origin`` and ``signed`` as its repo says.

    apt: reads ``dists/<suite>/InRelease`` or else ``Release``, in the order of apt itself. A repo
    with neither, but with an index, serves apt all the same (as ``[trusted=yes]``): it comes
    back without a label. yum (no suite): checks that ``repodata/repomd.xml`` is there and looks for
    its signature.

    Raises:
        OutsideError: there is no repo at that address, it does not answer in ``timeout_s``
            overall, or what it gives is no Release.
    """
    repo = RemoteRepo(source.url.rstrip("/"), time.monotonic() + timeout_s)
    if source.suite is None:
        if not repo.has("repodata/repomd.xml"):
            raise no_repo(source, "repodata/repomd.xml")
        return replace(source, signed=repo.has("repodata/repomd.xml.asc"))
    return _identify_apt(source, repo)


def parse_release(text: str) -> tuple[str, str]:
    """Return Label and Origin of a Release or (clear-signed) InRelease; empty where not given.

    Raises:
        ValueError: the text has no header fields.
    """
    if text.startswith(_CLEARSIGN_HEAD):
        text = text.partition("\n\n")[2].partition(_CLEARSIGN_END)[0]
    fields: Message = HeaderParser().parsestr(text)
    if not fields.keys():
        raise ValueError("no fields")
    return _one_line(fields["Label"]), _one_line(fields["Origin"])


def _identify_apt(source: NodeSource, repo: RemoteRepo) -> NodeSource:
    folder = f"dists/{source.suite}"
    data = repo.read(f"{folder}/InRelease")
    signed = data is not None
    if data is None:
        data = repo.read(f"{folder}/Release")
        signed = data is not None and repo.has(f"{folder}/Release.gpg")
    if data is None:
        return _identify_bare(source, repo)
    try:
        label, origin = parse_release(data.decode(errors="replace"))
    except ValueError as error:
        raise OutsideError(
            f"{repo.url}/{folder}/Release is not a Release file: {error}",
            remedy="open the address in a browser: something else than the repo answers there",
        ) from error
    return replace(source, label=label, origin=origin, signed=signed)


def _identify_bare(source: NodeSource, repo: RemoteRepo) -> NodeSource:
    """Accept a repo without a Release if it has an index; deployments met such ones (LP1448178)."""
    folders = (f"dists/{source.suite}/{name}/binary-amd64" for name in source.components)
    if not any(repo.has(f"{folder}/{index}") for folder in folders for index in _INDEXES):
        raise no_repo(source, f"dists/{source.suite}/Release")
    return replace(source, label="", origin="", signed=False)


def no_repo(source: NodeSource, expected: str) -> OutsideError:
    """Return the error of an address at which the file that makes a repo is not."""
    return OutsideError(
        f"no repo at {source.url}: it has no {expected}",
        remedy=f"check the url, suite and components of repo {source.name}",
    )


def _one_line(value: object) -> str:
    """Return a field's value with its folds and runs of spaces made single spaces."""
    return " ".join(str(value or "").split())
