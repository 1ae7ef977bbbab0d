"""Print the lowest version of each direct dependency that ``setup.py`` allows, as constraints."""

from importlib.metadata import requires

from packaging.requirements import Requirement


def _lowest(text: str) -> str | None:
    requirement = Requirement(text)
    bounds = [s.version for s in requirement.specifier if s.operator in (">=", "==")]
    return f"{requirement.name}=={bounds[0]}" if bounds else None


if __name__ == "__main__":
    print("\n".join(filter(None, map(_lowest, requires("fuel-upgrade") or []))))  # noqa: T201
