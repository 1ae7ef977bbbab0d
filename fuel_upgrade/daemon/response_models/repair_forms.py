"""The shapes of requests for the packages that a master lacks."""

from pydantic import Field

from fuel_upgrade.daemon.response_models.form import Form


class LackingRepoForm(Form):
    """A diff repo, and the packages that are missing from its bases."""

    version: str = Field(description="The version of its release.")
    operating_system: str = Field(description="``ubuntu`` or ``centos``.")
    base: str = Field(description="The version of its base.")
    base_fingerprint: str = Field(description="The fingerprint of its base.")
    result_fingerprint: str = Field(description="The fingerprint of the whole release.")
    algorithm: str = Field(description="The kind of the checksums.")
    missing: str = Field(
        description="A line ``NAME ARCHITECTURE VERSION CHECKSUM`` for each missing package."
    )


class RepairRequestForm(Form):
    """The packages that this master lacks, for ``fuel-upgrade bundle repair``."""

    format: int = Field(description="The number of this form: 1.")
    fuel_version: str = Field(description="The Fuel version of the tarball.")
    master_version: str = Field(description="The Fuel version that the master runs.")
    tarball: str = Field(description="The file name of the tarball.")
    seal_sha256: str = Field(description="The SHA-256 of its seal.")
    repos: list[LackingRepoForm] = Field(description="The repos whose bases lack packages.")


class RepairRequestsForm(Form):
    """The repair request for a tarball."""

    request: RepairRequestForm | None = Field(
        description="Null if the bases have every inherited package."
    )
