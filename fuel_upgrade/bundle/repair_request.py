"""A repair request: the packages that a base on a master lacks, for the build side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import yaml

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.repo.package import ALGORITHMS, Package, package_of
from fuel_upgrade.system.yaml_text import load_yaml

FORMAT = 1


@dataclass(frozen=True, slots=True)
class RequestedRepo:
    """One diff repo, and those of its inherited packages that the master lacks.

    ``missing`` are without size and location; their checksum is of kind ``algorithm``. The
    fingerprints are those of the diff repo's description.
    """

    version: str
    os_key: str
    base: str
    base_fingerprint: str
    result_fingerprint: str
    algorithm: str
    missing: tuple[Package, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the form in the file: packages as one text, with a line for each."""
        return {
            "version": self.version,
            "operating_system": self.os_key,
            "base": self.base,
            "base_fingerprint": self.base_fingerprint,
            "result_fingerprint": self.result_fingerprint,
            "algorithm": self.algorithm,
            "missing": "".join(f"{p} {p.digest(self.algorithm)}\n" for p in self.missing),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read the form in the file; KeyError, TypeError, ValueError if wrong."""
        algorithm = str(data["algorithm"])
        if algorithm not in ALGORITHMS:
            raise ValueError(f"a checksum of unknown kind {algorithm!r}")
        return cls(
            version=str(data["version"]),
            os_key=str(data["operating_system"]),
            base=str(data["base"]),
            base_fingerprint=str(data["base_fingerprint"]),
            result_fingerprint=str(data["result_fingerprint"]),
            algorithm=algorithm,
            missing=tuple(package_of(x, algorithm) for x in str(data["missing"]).splitlines()),
        )


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """The packages that a master lacks to install a tarball.

    ``tarball`` is a file name, ``seal`` the SHA-256 of its seal; ``fuel_version`` is that
    of the tarball, ``master_version`` that of the master.
    """

    fuel_version: str
    master_version: str
    tarball: str
    seal: str
    repos: tuple[RequestedRepo, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the form that the API gives and the file has."""
        return {
            "format": FORMAT,
            "fuel_version": self.fuel_version,
            "master_version": self.master_version,
            "tarball": self.tarball,
            "seal_sha256": self.seal,
            "repos": [repo.to_json() for repo in self.repos],
        }

    def render(self) -> str:
        """Return the text of the file."""
        return render(self.to_json())

    @classmethod
    def parse(cls, text: str, *, source: str) -> Self:
        """Read the text of the file.

        Raises:
            ConfigError: it is malformed, or of a later format.
        """
        try:
            data = load_yaml(text, source=source)
            if data["format"] != FORMAT:
                raise ConfigError(
                    f"{source}: format {data['format']}, expected {FORMAT}",
                    remedy="upgrade fuel-upgrade on this machine",
                )
            return cls(
                fuel_version=str(data["fuel_version"]),
                master_version=str(data["master_version"]),
                tarball=str(data["tarball"]),
                seal=str(data["seal_sha256"]),
                repos=tuple(RequestedRepo.from_json(repo) for repo in data["repos"]),
            )
        except (BundleError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"{source}: not a repair request: {error!r}",
                remedy="write it again with fuel-upgrade install --repair-request",
            ) from error


def render(data: Mapping[str, Any]) -> str:
    """Return the text of a request that came over the API."""
    text: str = yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, default_flow_style=False)
    return text


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as a block."""


def _represent(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _represent)
