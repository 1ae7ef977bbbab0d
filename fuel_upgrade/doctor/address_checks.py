"""Checks of ``master_ip`` and ``repo_url``, the addresses that nodes use."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import requests

from fuel_upgrade.config import Config
from fuel_upgrade.doctor.check import Check, failure, ok, warning
from fuel_upgrade.system.addresses import warn_of_address

_ADDRESS = "address"
_REPO_URL = "repo_url"
_INDEXES = (
    "*/*/x86_64/dists/**/Release",
    "*/*/x86_64/Release",
    "*/*/x86_64/repodata/repomd.xml",
)
_TIMEOUT_S = 5.0
_MAX_BYTES = 4 << 20

Fetch = Callable[[str], bytes]
"""Returns the content of a URL. Raises requests.RequestException."""


def check_address(config: Config, addresses: Iterable[str]) -> Check:
    """Check that ``master_ip`` is an address of this host."""
    if message := warn_of_address(config, addresses):
        detail, _, remedy = message.rpartition("; ")
        return warning(_ADDRESS, detail, remedy)
    return ok(_ADDRESS, f"master_ip {config.master_ip} is an address of this host")


def check_repo_url(config: Config, fetch: Fetch) -> Check:
    """Check that ``repo_url`` serves ``paths.repos``: compare one index over HTTP and on disk."""
    repos, url = config.paths.repos, config.root_url
    index = next(islice(_indexes(repos), 1), None)
    if index is None:
        return ok(_REPO_URL, f"{url}: no repo below {repos} yet, so nothing to compare")
    index_url = f"{url}/{quote(str(index.relative_to(repos)))}"
    remedy = f"have a web server serve {repos} at {url}, or correct repo_url and paths.repos"
    try:
        served, on_disk = fetch(index_url), index.read_bytes()
    except (requests.RequestException, OSError) as error:
        return failure(_REPO_URL, f"{index_url}: {_reason(error)}", remedy)
    if served != on_disk:
        return failure(_REPO_URL, f"{index_url} is not the {index} of this host", remedy)
    return ok(_REPO_URL, f"{url} serves {repos}")


def fetch(url: str) -> bytes:
    """Return the content of a URL, within a short time.

    Raises:
        requests.RequestException: there is no such content, or no response in time.
    """
    with requests.Session() as session:
        session.trust_env = False  # nodes do not ask this host's proxy
        with session.get(url, timeout=_TIMEOUT_S, stream=True) as answer:
            answer.raise_for_status()
            return b"".join(islice(answer.iter_content(1 << 16), _MAX_BYTES >> 16))


def _indexes(repos: Path) -> Iterator[Path]:
    return (path for pattern in _INDEXES for path in sorted(repos.glob(pattern)) if path.is_file())


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return f"no answer within {_TIMEOUT_S:g} s"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error)
