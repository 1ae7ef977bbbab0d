"""A plan that was saved for review, to be carried out unchanged or refused."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.upgrade.plan.plan import PlanOptions
from fuel_upgrade.upgrade.review.preconditions import FORMAT, Basis

_BASIS = TypeAdapter(Basis)
_REMEDY = "make one with fuel-upgrade plan TARBALL --out FILE"


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """The part of a saved plan that an install needs: its tarball and its preconditions."""

    tarball: Path
    basis: Basis

    @property
    def options(self) -> PlanOptions:
        """The options that the plan was made with."""
        settings = self.basis.settings
        return PlanOptions(
            verify_base=settings.get("verify_base") is True,
            full_view=settings.get("full_view") is True,
        )

    def refuse_other(self, tarball: Path, seal_sha256: str) -> None:
        """Make sure that the plan is of this tarball, which may have been moved.

        Raises:
            ConfigError: it is of another tarball.
        """
        if seal_sha256 != self.basis.seal_sha256:
            raise ConfigError(
                f"the plan is of {self.tarball}, whose seal is {self.basis.seal_sha256};"
                f" that of {tarball} is {seal_sha256}",
                remedy=f"plan {tarball} itself, or install the tarball that was planned",
                state="nothing was changed",
            )

    @classmethod
    def parse(cls, data: object, *, source: str) -> "SavedPlan":
        """Read a plan in the form of ``fuel-upgrade plan --json``.

        Raises:
            ConfigError: it is no plan, one of several tarballs, or of another format.
        """
        if not isinstance(data, dict):
            raise ConfigError(f"{source}: not a plan: expected an object", remedy=_REMEDY)
        if "order" in data:
            raise ConfigError(
                f"{source}: a plan of several tarballs", remedy="plan the first alone"
            )
        _check_format(data, source)
        tarball = data.get("tarball")
        if not isinstance(tarball, str) or not Path(tarball).is_absolute():
            raise ConfigError(
                f"{source}: not a plan: tarball: expected an absolute path, found {tarball!r}",
                remedy=_REMEDY,
            )
        try:
            basis = _BASIS.validate_python(data.get("basis"))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, ("basis", *first["loc"])))
            raise ConfigError(
                f"{source}: not a plan: {where}: {first['msg']}", remedy=_REMEDY
            ) from error
        return cls(Path(tarball), basis)


def basis_json(basis: Basis) -> dict[str, Any]:
    """Return the form in a saved plan."""
    data: dict[str, Any] = _BASIS.dump_python(basis, mode="json")
    return data


def _check_format(data: dict[str, Any], source: str) -> None:
    if "plan_format" not in data:
        raise ConfigError(f"{source}: not a plan: it has no plan_format", remedy=_REMEDY)
    if data["plan_format"] != FORMAT:
        raise ConfigError(
            f"{source}: a plan of format {data['plan_format']!r}, expected {FORMAT}",
            remedy="make it anew with the fuel-upgrade of this master",
        )
