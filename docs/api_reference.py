"""Writes the reference in docs/api.rst from the models of the API: ``make docs``."""

import json
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from fuel_upgrade.config import Config
from fuel_upgrade.daemon.api import create_app
from fuel_upgrade.daemon.api_context import ApiContext
from fuel_upgrade.daemon.jobs import Jobs
from fuel_upgrade.daemon.live_settings import LiveSettings
from fuel_upgrade.daemon.metrics import Metrics
from fuel_upgrade.daemon.response_models.install_forms import InstallResultForm, RecoveryResultForm
from fuel_upgrade.daemon.response_models.plan_forms import AllInstalledForm
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints

PAGE = Path(__file__).with_name("api.rst")
BEGIN = ".. The rest of this part is written by ``make docs`` from the models of the API.\n"
END = ".. End of the generated part.\n"
_RESULTS = (InstallResultForm, AllInstalledForm, RecoveryResultForm)
_REF = "#/components/schemas/"


def document() -> dict[str, Any]:
    """Return the OpenAPI description, with the results of jobs, which only events carry."""
    config, jobs = Config(), Jobs()
    context = ApiContext(
        read_config=lambda: config,
        connect=lambda: NailgunClient(config.nailgun),
        control_plane="",
        jobs=jobs,
        fail_points=FailPoints(""),
        metrics=Metrics(lambda: config, jobs),
        reload=LiveSettings(config, lambda: config).reload,
    )
    described: dict[str, Any] = create_app(context).openapi()
    _, results = models_json_schema(
        [(model, "serialization") for model in _RESULTS], ref_template=_REF + "{model}"
    )
    described["components"]["schemas"] |= results["$defs"]
    return described


def render(described: dict[str, Any]) -> str:
    """Return the reference: each request, and each shape of JSON."""
    schemas = described["components"]["schemas"]
    requests = (
        _request(method.upper(), path, operation)
        for path, item in described["paths"].items()
        for method, operation in item.items()
    )
    shapes = (_shape(name, schemas[name]) for name in sorted(schemas))
    return "\n".join(
        (_title("Requests", "-"), *requests, _title("Shapes of JSON", "-"), *shapes, "")
    )


def replaced(page: str) -> str:
    """Return the page with its generated part made anew."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{render(document())}\n{END}{tail}"


def _title(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def _request(method: str, path: str, operation: dict[str, Any]) -> str:
    lines = [f"``{method} {path}``", *_indented(cleandoc(operation.get("description", "")))]
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        lines += ["", f"    Body: {_type(schema)}."]
    for parameter in operation.get("parameters", ()):
        if parameter["in"] != "path":
            lines += ["", *_indented(f"{parameter['name']}: {parameter.get('description', '')}")]
    answers = ", ".join(_answers(operation["responses"]))
    return "\n".join([*lines, "", f"    Answers: {answers}.", ""])


def _answers(responses: dict[str, Any]) -> Iterator[str]:
    for status, response in sorted(responses.items()):
        media_type, content = next(iter(response["content"].items()))
        if media_type != "application/json":
            yield f"{status} with ``{media_type}``"
        elif content["schema"] == {"$ref": f"{_REF}ErrorForm"}:
            yield status
        else:
            yield f"{status} with {_type(content['schema'])}"


def _shape(name: str, schema: dict[str, Any]) -> str:
    lines = [_title(name, "~"), cleandoc(schema.get("description", "")), ""]
    if "enum" in schema:
        lines = [lines[0], f"One of {_values(schema['enum'])}.", ""]
    elif "properties" not in schema:
        lines += [f"JSON: {_type(schema)}.", ""]
    for key, described in schema.get("properties", {}).items():
        is_optional = "default" in described
        default = f", by default {_value(described['default'])}" if is_optional else ""
        lines += [f"``{key}``: {_type(described)}{default}", *_indented(described["description"])]
    return "\n".join([*lines, ""])


def _type(schema: dict[str, Any]) -> str:
    """Return the type of a value in words."""
    if "$ref" in schema:
        return f"{schema['$ref'].removeprefix(_REF)}_"
    if "const" in schema or "enum" in schema:
        return _values(schema.get("enum") or [schema["const"]])
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    kind = str(schema.get("type", "any JSON"))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _values(values: list[Any]) -> str:
    return ", ".join(map(_value, values))


def _value(value: Any) -> str:
    return f"``{value if isinstance(value, str) else json.dumps(value)}``"


def _indented(text: str) -> list[str]:
    return [f"    {line}".rstrip() for line in text.splitlines()]


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
