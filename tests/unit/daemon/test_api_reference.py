"""The reference in docs/api.rst against the models that it is written from."""

from copy import deepcopy
from typing import Any

import pytest

from docs.api_reference import PAGE, document, render, replaced

DESCRIBED = pytest.fixture(scope="module", name="described")(document)


def test_the_page_is_in_step_with_the_models() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert replaced(page) == page, "run: make docs"


def test_every_request_and_every_key_is_explained(described: dict[str, Any]) -> None:
    requests = [
        f"{method} {path}"
        for path, item in described["paths"].items()
        for method, operation in item.items()
        if not operation.get("description")
    ]
    keys = [
        f"{name}.{key}"
        for name, schema in described["components"]["schemas"].items()
        for key, value in schema.get("properties", {}).items()
        if not value.get("description")
    ]
    assert (requests, keys) == ([], [])


def test_a_new_key_changes_the_page(described: dict[str, Any]) -> None:
    described = deepcopy(described)
    added = {"type": "string", "description": "Added."}
    before = render(described)
    described["components"]["schemas"]["JobForm"]["properties"]["added"] = added
    assert "``added``: string\n    Added." in render(described)
    assert "``added``: string" not in before


@pytest.mark.parametrize("name", ["InstallResultForm", "AllInstalledForm", "RecoveryResultForm"])
def test_the_results_of_jobs_are_described(described: dict[str, Any], name: str) -> None:
    assert name in described["components"]["schemas"]
