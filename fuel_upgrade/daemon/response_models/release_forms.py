"""The shapes of registered releases."""

from typing import Self

from pydantic import Field, JsonValue, RootModel

from fuel_upgrade.daemon.response_models.form import Form, IsoTime, PathText
from fuel_upgrade.upgrade.records import InstallState
from fuel_upgrade.upgrade.releases.registered_release import WholeRelease


class RepoForm(Form):
    """A repo of a release."""

    name: str = Field(
        description="Its name in Nailgun, without the prefix that keeps a base behind the own repo."
    )
    location: str = Field(description="``URL``, or ``URL suite component...`` for apt.")
    priority: int | None = Field(
        description="Its priority for the package manager, where Nailgun has one: with apt the "
        "highest wins, with yum the lowest."
    )


class NamedForm(Form):
    """The identity of a release."""

    id: int = Field(description="Its id in Nailgun.")
    name: str = Field(description="Its name.")
    version: str = Field(description="Its version, such as ``2014.2-6.0``.")
    operating_system: str = Field(description="``Ubuntu`` or ``CentOS``.")


class ReleaseForm(NamedForm):
    """A registered release."""

    state: str = Field(description="Its state in Nailgun.")
    repos: list[RepoForm] = Field(
        description="Its chain of repos, newest first: its own, and those of its bases."
    )
    other_repos: list[RepoForm] = Field(
        validation_alias="others",
        description="Repos outside the chain, such as mirrors of the distribution.",
    )


class ReleasesForm(RootModel[list[ReleaseForm]]):
    """All registered releases, newest first."""


class ClusterForm(Form):
    """A cluster that uses a release."""

    id: int = Field(description="Its id in Nailgun.")
    name: str = Field(description="Its name.")


class MadeByForm(Form):
    """An install that registered a release."""

    id: str = Field(description="The id of the install.")
    state: InstallState = Field(description="See `States`_.")
    started_s: float = Field(description="The start, in seconds since 1970.")
    started_at: IsoTime = Field(validation_alias="started_s", description="The start.")


class WholeReleaseForm(ReleaseForm):
    """A registered release with everything that refers to it."""

    puppet_manifests_source: str | None = Field(description="Null for a release without repos.")
    puppet_modules_source: str | None = Field(description="Null for a release without repos.")
    clusters: list[ClusterForm] = Field(description="The clusters that use it.")
    base_of: list[NamedForm] = Field(
        description="The releases of other versions that have its repo behind their own."
    )
    installs: list[MadeByForm] = Field(description="The installs that registered it, oldest first.")
    undoable: str | None = Field(description="The id of the one of these that can be undone.")
    body: dict[str, JsonValue] = Field(
        description="The body that registers it again, as far as Nailgun shows it."
    )

    @classmethod
    def of_whole(cls, whole: WholeRelease) -> Self:
        """Build the form of a release and everything that refers to it."""
        data = whole.release.orchestrator
        return cls.model_validate(
            {
                **vars(ReleaseForm.model_validate(whole.release)),
                "puppet_manifests_source": data.puppet_manifests_source if data else None,
                "puppet_modules_source": data.puppet_modules_source if data else None,
                "clusters": whole.clusters,
                "base_of": whole.base_of,
                "installs": whole.installs,
                "undoable": whole.undoable,
                "body": whole.body,
            }
        )


class DeletedReleaseForm(Form):
    """A deleted release."""

    deleted: NamedForm = Field(description="The release.")
    left: list[PathText] = Field(
        description="Its paths on this master that belong to no other release. They stay."
    )
