"""Read how a repo identifies itself: its label, origin, signature and policy."""

from dataclasses import replace

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.nodes.apt_policy import AptPolicy
from fuel_upgrade.nodes.repo_files import RemoteRepo
from fuel_upgrade.nodes.sources import NodeSource
from fuel_upgrade.repo.apt.release_file import RELEASES, parse_release
from fuel_upgrade.repo.apt.suite_path import index_path, index_stem

_FORMS = (".gz", ".xz", "")
_RELEASE_FIELDS = (
    "Origin", "Label", "Suite", "Codename", "Date", "Architectures", "Components", "SHA256",
)  # fmt: skip


def fetch_identity(source: NodeSource, *, timeout_s: float) -> NodeSource:
    """Return the source with the ``label``, ``origin``, ``signed`` and ``policy`` of its repo.

    apt: reads the suite's ``InRelease`` or else ``Release``, as apt does. A repo with an index
    but without a Release serves apt as well (``[trusted=yes]``): it gets no label. yum (no suite):
    checks that ``repodata/repomd.xml`` exists and looks for its signature.

    Raises:
        OutsideError: the URL has no repo, it does not respond within ``timeout_s`` overall, or
            its Release is not one.
        BundleError: the suite is outside the repo.
    """
    repo = RemoteRepo.at(source.url, timeout_s=timeout_s)
    if source.suite is None:
        if not repo.has("repodata/repomd.xml"):
            raise no_repo(source, "repodata/repomd.xml")
        return replace(source, signed=repo.has("repodata/repomd.xml.asc"))
    return _identify_apt(source, repo)


def parse_identity(text: str) -> tuple[str, str]:
    """Return Label and Origin of a Release or InRelease; empty if absent.

    Raises:
        ValueError: the text has none of the usual fields of a Release.
    """
    fields = parse_release(text)
    if not any(name in fields for name in _RELEASE_FIELDS):
        raise ValueError("no fields of a Release")
    label, origin = (" ".join(str(fields.get(name, "")).split()) for name in ("Label", "Origin"))
    return label, origin


def _identify_apt(source: NodeSource, repo: RemoteRepo) -> NodeSource:
    inline, plain = (index_path(source.suite or "", name) for name in RELEASES)
    data = repo.read(inline)
    signed = data is not None
    if data is None:
        data = repo.read(plain)
        signed = data is not None and repo.has(f"{plain}.gpg")
    if data is None:
        return _identify_bare(source, repo)
    text = data.decode(errors="replace")
    try:
        label, origin = parse_identity(text)
    except ValueError as error:
        raise OutsideError(
            f"{repo.url}/{plain} is not a Release file: {error}",
            remedy="open the URL in a browser: the response is not from the repo",
        ) from error
    policy = AptPolicy.of(parse_release(text))
    return replace(source, label=label, origin=origin, signed=signed, policy=policy)


def _identify_bare(source: NodeSource, repo: RemoteRepo) -> NodeSource:
    """Accept a repo that has an index but no Release; Fuel has deployed such repos (LP1448178)."""
    suite = source.suite or ""
    stems = [index_stem(name, "amd64") for name in source.components or ("",)]
    indexes = (index_path(suite, stem + suffix) for stem in stems for suffix in _FORMS)
    if not any(map(repo.has, indexes)):
        raise no_repo(source, index_path(suite, "Release"))
    return replace(source, label="", origin="", signed=False)


def no_repo(source: NodeSource, expected: str) -> OutsideError:
    """Return the error for a URL without the file that identifies a repo."""
    return OutsideError(
        f"no repo at {source.url}: it has no {expected}",
        remedy=f"check the url, suite and components of repo {source.name}",
    )
