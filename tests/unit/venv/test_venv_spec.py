"""``venvs.yaml``: all faults at once, and what is refused."""

import pytest

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.venv.venv_spec import VenvSpec, parse_venv_spec

GOOD = """
tag: 13.1.0-rc1
directory: /srv/venvs
sources:
  horizon: {git: "https://example.org/horizon", revision: stable/liberty}
services:
  horizon:
    sources: [horizon]
    requirements: ["django>=4"]
    check: [bin/python, -c, import django]
    units: [apache2.service]
"""


def parse(text: str) -> VenvSpec:
    return parse_venv_spec(text, source="venvs.yaml")


def test_a_spec_is_read_with_its_defaults() -> None:
    spec = parse(GOOD)

    assert spec.services["horizon"].sources == ("horizon",)
    assert spec.python == "python3"
    assert not spec.bytecode


def test_all_faults_are_in_one_error() -> None:
    with pytest.raises(ConfigError) as refused:
        parse(
            "{tag: a/b, other: 1, services: {UP: {requirements: [x]}, api: {requirements: ['==']}}}"
        )

    assert len(refused.value.failures) == 4
    for name in ("tag", "services.UP", "services.api.requirements.0", "other"):
        assert any(fault.startswith(f"{name}:") for fault in refused.value.failures), name


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ("tag: ../x\nservices: {a: {requirements: [x]}}", "tag"),
        ("tag: '1'\nservices: {}", "services"),
        ("tag: '1'\nservices: {a: {}}", "services.a"),
        ("tag: '1'\nservices: {a: {sources: [b]}}", "services.a.sources"),
        ("tag: '1'\ndirectory: venvs\nservices: {a: {requirements: [x]}}", "directory"),
        ("tag: '1'\nservices: {a: {requirements: [x], units: [a b]}}", "services.a.units.0"),
        (
            "tag: '1'\nsources: {b: {git: --upload-pack=x, revision: r}}\n"
            "services: {a: {sources: [b]}}",
            "sources.b.git",
        ),
        (
            "tag: '1'\nsources: {b: {git: x, revision: -r}}\nservices: {a: {sources: [b]}}",
            "sources.b.revision",
        ),
        ("[]", ""),
    ],
)
def test_a_fault_names_its_place(part: str, fault: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(part)

    assert any(text.startswith(fault) for text in refused.value.failures)
