"""The best wheel of a lock, and the glibc that it needs."""

import pytest

from fuel_upgrade.errors import ConfigError, OutsideError
from fuel_upgrade.venv.wheel_names import choose_artifacts, lowest_glibc

TAGS = ("cp311-cp311-manylinux_2_28_x86_64", "cp311-cp311-manylinux_2_17_x86_64", "py3-none-any")


def lock(*names: str) -> dict[str, object]:
    """Return a lock of one package with these wheels, or a source archive."""
    files = [
        {"name": name, "url": f"https://example.org/{name}", "hashes": {"sha256": "ab" * 32}}
        for name in names
    ]
    wheels = [file for file in files if str(file["name"]).endswith(".whl")]
    package: dict[str, object] = {"name": "a", "version": "1", "wheels": wheels}
    if sources := [file for file in files if file not in wheels]:
        package["sdist"] = sources[0]
    return {"lock-version": "1.0", "created-by": "test", "packages": [package]}


@pytest.mark.parametrize(
    ("names", "best"),
    [
        (
            ("a-1-py3-none-any.whl", "a-1-cp311-cp311-manylinux_2_28_x86_64.whl"),
            "a-1-cp311-cp311-manylinux_2_28_x86_64.whl",
        ),
        (
            ("a-1.tar.gz", "a-1-cp312-cp312-manylinux_2_28_x86_64.whl", "a-1-py3-none-any.whl"),
            "a-1-py3-none-any.whl",
        ),
        (("a-1.tar.gz", "a-1-cp312-cp312-manylinux_2_28_x86_64.whl"), "a-1.tar.gz"),
    ],
)
def test_the_best_file_that_fits_is_chosen(names: tuple[str, ...], best: str) -> None:
    assert choose_artifacts(lock(*names), TAGS)[0].name == best


def test_a_package_without_a_fitting_file_is_named() -> None:
    with pytest.raises(ConfigError, match="a 1"):
        choose_artifacts(lock("a-1-cp312-cp312-manylinux_2_28_x86_64.whl"), TAGS)


def test_a_malformed_lock_is_refused() -> None:
    with pytest.raises(OutsideError):
        choose_artifacts({"lock-version": "1.0", "packages": [{}]}, TAGS)


@pytest.mark.parametrize(
    ("names", "glibc"),
    [
        (("a-1-py3-none-any.whl",), ""),
        (("a-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",), "2.17"),
        (
            (
                "a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl",
                "b-1-cp311-abi3-manylinux_2_34_x86_64.whl",
            ),
            "2.34",
        ),
        (("a-1-cp311-cp311-linux_x86_64.whl",), "2.36"),
    ],
)
def test_the_lowest_glibc_is_that_of_the_most_demanding_wheel(
    names: tuple[str, ...], glibc: str
) -> None:
    assert lowest_glibc(names, builder="2.36") == glibc
