"""``venvs.yaml``: the services whose venvs are built, and their Python requirements."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.system.yaml_text import load_yaml

# They become file names, parts of URLs and names of systemd units.
ServiceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.+-]{0,62}$")]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+~-]{0,62}$")]
_Revision = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./+@~-]{0,254}$")]
Unit = Annotated[str, Field(pattern=r"^[A-Za-z0-9:_.\\@-]{1,250}\.(service|socket|target|timer)$")]


def _requirement(text: str) -> str:
    try:
        Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(f"{text!r} is no requirement (PEP 508): {error}") from error
    return text


_Requirement = Annotated[str, AfterValidator(_requirement)]


def absolute(path: Path) -> Path:
    """Return a path; ValueError if it is relative, or has ``..``."""
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{path} is no absolute path without '..'")
    return path


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceSpec(_Part):
    """A Python project in a git repository, at a revision: a branch, a tag or a commit."""

    git: Annotated[str, Field(min_length=1, pattern=r"^[^-]")]
    revision: _Revision
    subfolder: str = "."


class ServiceSpec(_Part):
    """One service: its requirements, the sources that it needs, and its check after a deploy.

    ``check`` is a command relative to the venv; ``units`` are the systemd units that a deploy
    restarts, or reloads with ``reload``.
    """

    requirements: tuple[_Requirement, ...] = ()
    sources: tuple[ServiceName, ...] = ()
    constraints: tuple[_Requirement, ...] = ()
    check: tuple[str, ...] = ()
    units: tuple[Unit, ...] = ()
    reload: bool = False

    @model_validator(mode="after")
    def _has_content(self) -> "ServiceSpec":
        if not self.requirements and not self.sources:
            raise ValueError("requirements or sources: expected at least one")
        return self


class VenvSpec(_Part):
    """All venvs of one tag.

    ``directory`` is the folder of the venvs on the hosts. ``python`` is a command or a path on the
    builder. ``constraints`` are files beside the spec. ``bytecode`` adds ``.pyc`` files with the
    hash of their source, unchecked (PEP 552).
    """

    tag: Tag
    services: Annotated[dict[ServiceName, ServiceSpec], Field(min_length=1)]
    sources: dict[ServiceName, SourceSpec] = {}
    constraints: tuple[str, ...] = ()
    directory: Annotated[Path, AfterValidator(absolute)] = Path("/openstack/venvs")
    python: str = "python3"
    bytecode: bool = False

    @model_validator(mode="after")
    def _sources_exist(self) -> "VenvSpec":
        unknown = {
            f"services.{name}.sources: {source!r} is not one of sources"
            for name, service in self.services.items()
            for source in service.sources
            if source not in self.sources
        }
        if unknown:
            raise ValueError("; ".join(sorted(unknown)))
        return self


def parse_venv_spec(text: str, *, source: str) -> VenvSpec:
    """Read ``venvs.yaml``.

    Raises:
        ConfigError: the file has faults; the error names all of them.
    """
    remedy = f"correct {source}; docs/venvs.rst describes its form"
    try:
        return VenvSpec.model_validate(load_yaml(text, source=source))
    except BundleError as error:
        raise ConfigError(error.what, remedy=remedy) from error
    except ValidationError as error:
        faults = [describe_fault(fault) for fault in error.errors()]
        raise ConfigError(
            f"{source}: {'; '.join(faults)}", remedy=remedy, failures=faults
        ) from error


def describe_fault(fault: Mapping[str, Any]) -> str:
    """Return a fault of pydantic as one line, with its place in the file."""
    where = ".".join(str(part) for part in fault["loc"] if part != "[key]")
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
